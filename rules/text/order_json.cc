#include "rules/text/order_json.h"

#include "rules/model/order_check.h"
#include "rules/text/bundle_jsonl.h"
#include "rules/text/rfc3339.h"

namespace sluice {
namespace {

using Value = JsonDocument::Value;

class OrderReader {
 public:
  OrderReader(JsonDocument& json, Order& order) : json_(json), order_(order) {}

  bool field(std::string_view key, Value& value) {
    if (key == "order") return text(value, order_.id);
    if (key == "number") return text(value, order_.number);
    if (key == "authority") return text(value, order_.authority);
    if (key == "renews") return text(value, order_.renews);
    if (key == "action") return choice(value, "block", "allow", order_.action, OrderAction::Block, OrderAction::Allow);
    if (key == "qtypes") return choice(value, "web", "all", order_.qtypes, QtypeSet::Web, QtypeSet::All);
    if (key == "urgency")
      return choice(value, "normal", "emergency", order_.urgency, Urgency::Normal, Urgency::Emergency);
    if (key == "effective") return read_time(json_, value, order_.effective), true;
    if (key == "expires") return read_time(json_, value, order_.expires), true;
    if (key == "methods") return methods(value);
    if (key == "basis") return basis(value);
    if (key == "reason") return reason(value);
    if (key == "appeal") {
      return object(value, {{"url", &order_.appeal_url}, {"email", &order_.appeal_email}});
    }
    if (key == "attribution") {
      return object(value, {{"evidence_sha256", &order_.evidence_sha256}, {"assessed_at", &order_.assessed_at}});
    }
    if (key == "necessity") {
      return object(value, {{"host_notice_at", &order_.host_notice_at},
                            {"not_notified", &order_.not_notified},
                            {"justification", &order_.justification}});
    }
    if (key == "publication") return publication(value);
    if (key == "overrides") return overrides(value);
    return false;
  }

 private:
  struct Slot {
    std::string_view key;
    std::string* to;
  };

  bool text(Value& value, std::string& out) {
    json_.read_string(value, out);
    return true;
  }

  template <class T>
  bool choice(Value& value, std::string_view a, std::string_view b, T& out, T if_a, T if_b) {
    const char* at = JsonDocument::place(value);
    std::string said;
    json_.read_string(value, said);
    if (said != a && said != b) json_.fail_at(at, "must be \"" + std::string(a) + "\" or \"" + std::string(b) + "\"");
    out = said == b ? if_b : if_a;
    return true;
  }

  bool object(Value& value, std::initializer_list<Slot> slots) {
    json_.read_object(value, [&](std::string_view key, Value& inner) {
      for (const Slot& slot : slots) {
        if (key == slot.key) return text(inner, *slot.to);
      }
      return false;
    });
    return true;
  }

  bool methods(Value& value) {
    order_.methods = 0;
    json_.read_array(value, [&](Value& item) {
      const char* at = JsonDocument::place(item);
      std::string said;
      json_.read_string(item, said);
      const MethodSet method = method_from(said);
      if (method == 0) json_.fail_at(at, "unknown method");
      if ((order_.methods & method) != 0) json_.fail_at(at, "method named twice");
      order_.methods |= method;
    });
    return true;
  }

  bool basis(Value& value) {
    json_.read_object(value, [&](std::string_view key, Value& inner) {
      if (key == "law") return text(inner, order_.law);
      if (key == "court") return text(inner, order_.court);
      if (key != "listings") return false;
      json_.read_array(inner, [&](Value& item) {
        Listing& listing = order_.listings.emplace_back();
        object(item, {{"list", &listing.list}, {"ref", &listing.ref}, {"organisation", &listing.organisation}});
      });
      return true;
    });
    return true;
  }

  bool reason(Value& value) {
    json_.read_object(value,
                      [&](std::string_view key, Value& inner) { return text(inner, order_.reason[std::string(key)]); });
    return true;
  }

  bool publication(Value& value) {
    simdjson::ondemand::json_type type{};
    if (value.type().get(type) == simdjson::SUCCESS && type == simdjson::ondemand::json_type::object) {
      order_.publication = PublicationKind::Delayed;
      json_.read_object(value, [&](std::string_view key, Value& inner) {
        if (key != "delayed_until") return false;
        read_time(json_, inner, order_.delayed_until);
        return true;
      });
      return true;
    }
    return choice(value, "full", "lookup", order_.publication, PublicationKind::Full, PublicationKind::Lookup);
  }

  bool overrides(Value& value) {
    json_.read_array(value, [&](Value& item) {
      Override& o = order_.overrides.emplace_back();
      object(item, {{"guard", &o.guard}, {"why", &o.why}});
    });
    return true;
  }

  JsonDocument& json_;
  Order& order_;
};

void read_name(JsonDocument& json, const char* at, const std::string& text, Scope scope,
               std::optional<Target>& target) {
  const auto name = canonical_name(text);
  if (!name.has_value()) return json.fail_at(at, std::string(to_string(name.error())));
  if (name->text() != text) return json.fail_at(at, "not in canonical form: " + name->text());
  target = NameTarget{*name, scope};
}

}  // namespace

void read_time(JsonDocument& json, Value& value, UnixSeconds& out) {
  const char* at = JsonDocument::place(value);
  std::string text;
  json.read_string(value, text);
  const auto seconds = parse_rfc3339(text);
  if (!seconds) return json.fail_at(at, "expected a time like 2026-11-02T00:00:00Z");
  out = *seconds;
}

void read_order_line(JsonDocument& json, std::string_view line, std::uint32_t line_number, Order& order) {
  OrderReader reader(json, order);
  bool action = false;
  json.read(line, line_number, [&](std::string_view key, Value& value) {
    action |= key == "action";
    return reader.field(key, value);
  });
  if (!action) json.fail_at_start("missing field \"action\"");
  if (!is_order_id(order.id)) json.fail_at_start("id: must be [A-Z0-9][A-Z0-9._-]{2,63}");
  for (const std::string* date : {&order.assessed_at, &order.host_notice_at}) {
    if (!date->empty() && !parse_date(*date)) json.fail_at_start("expected a date like 2026-11-02");
  }
}

void read_target_line(JsonDocument& json, std::string_view line, std::uint32_t line_number,
                      std::optional<Target>& target) {
  std::string name, scope, pattern;
  const char* name_at = nullptr;
  const char* pattern_at = nullptr;
  json.read(line, line_number, [&](std::string_view key, Value& value) {
    if (key == "n") {
      name_at = JsonDocument::place(value);
      json.read_string(value, name);
    } else if (key == "s") {
      const char* at = JsonDocument::place(value);
      json.read_string(value, scope);
      if (scope != "exact" && scope != "subtree") json.fail_at(at, "scope must be \"exact\" or \"subtree\"");
    } else if (key == "p") {
      pattern_at = JsonDocument::place(value);
      json.read_string(value, pattern);
      if (pattern.empty() || pattern.size() > kMaxPatternBytes)
        json.fail_at(pattern_at, "a pattern has 1 to 1024 bytes");
    } else {
      return false;
    }
    return true;
  });
  if (!json.ok()) return;
  if (pattern_at != nullptr && name_at == nullptr && scope.empty()) {
    target = PatternTarget{std::move(pattern)};
  } else if (name_at != nullptr && !scope.empty() && pattern_at == nullptr) {
    read_name(json, name_at, name, scope == "exact" ? Scope::Exact : Scope::Subtree, target);
  } else {
    json.fail_at_start("a target is either \"n\" with \"s\", or \"p\"");
  }
}

}  // namespace sluice
