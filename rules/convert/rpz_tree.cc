#include "rules/convert/rpz_tree.h"

#include <algorithm>

namespace sluice {
namespace {

/// Sorts before every byte of a name, so that a name stands right before the names below it.
constexpr char kEnd = '\x01';

std::string key_of(std::string_view name) {
  std::string key;
  key.reserve(name.size() + 1);
  while (true) {
    const std::size_t dot = name.rfind('.');
    key += dot == std::string_view::npos ? name : name.substr(dot + 1);
    key += kEnd;
    if (dot == std::string_view::npos) return key;
    name = name.substr(0, dot);
  }
}

std::string name_of(std::string_view key) {
  std::string name;
  while (!key.empty()) {
    const std::size_t end = key.find(kEnd);
    name.insert(0, std::string(key.substr(0, end)) + (name.empty() ? "" : "."));
    key.remove_prefix(end + 1);
  }
  return name;
}

}  // namespace

void RpzTree::add(std::size_t feed, const Order& order, const NameTarget& target) {
  entries_.push_back({key_of(target.name.text()), feed, &order, target.scope});
}

void RpzTree::walk(const std::function<void(const RpzRecord&)>& emit) {
  emit_ = emit;
  std::ranges::sort(entries_, {}, &Entry::key);
  children(entries_.data(), entries_.data() + entries_.size(), 0, Words(ranked_.size()));
}

RpzTree::Answer RpzTree::judge(const Words& words) const {
  bool allowed = false;
  for (std::size_t f = 0; f < words.size(); ++f) {
    if (words[f].allows) {
      allowed = true;
    } else if (words[f].blocks != nullptr && (ranked_[f]->policy.external || !allowed)) {
      return {RpzPolicy::Block, words[f].blocks};
    }
  }
  return {allowed ? RpzPolicy::Pass : RpzPolicy::None, nullptr};
}

void RpzTree::hear(Words& words, const Entry* begin, const Entry* end, Scope scope) {
  // Of several orders with the same name the smallest id is reported; a more specific name replaces a wider one.
  std::vector<const Order*> blocks(words.size(), nullptr);
  for (const Entry* e = begin; e != end; ++e) {
    if (e->scope != scope) continue;
    if (e->order->action == OrderAction::Allow) {
      words[e->feed].allows = true;
    } else if (blocks[e->feed] == nullptr || e->order->id < blocks[e->feed]->id) {
      blocks[e->feed] = e->order;
    }
  }
  for (std::size_t f = 0; f < words.size(); ++f) {
    if (blocks[f] != nullptr) words[f].blocks = blocks[f];
  }
}

bool RpzTree::node(const Entry* begin, const Entry* end, std::size_t depth, const Words& above) {
  const Entry* own_end = std::find_if(begin, end, [&](const Entry& e) { return e.key.size() != depth; });
  Words words = above;
  hear(words, begin, own_end, Scope::Subtree);
  const bool deeper = children(own_end, end, depth, words);
  Words at_name = words;
  hear(at_name, begin, own_end, Scope::Exact);

  const Answer inherited = judge(above), below = judge(words), here = judge(at_name);
  const bool same = here == inherited && below == inherited;
  const bool needed = !same || (deeper && inherited.policy != RpzPolicy::None);
  if (needed) emit_node(std::string_view(begin->key).substr(0, depth), here, below);
  return needed || deeper;
}

bool RpzTree::children(const Entry* begin, const Entry* end, std::size_t depth, const Words& words) {
  bool any = false;
  while (begin != end) {
    const std::size_t child_depth = begin->key.find(kEnd, depth) + 1;
    const std::string_view child = std::string_view(begin->key).substr(0, child_depth);
    const Entry* child_end = std::find_if(begin, end, [&](const Entry& e) { return !e.key.starts_with(child); });
    any |= node(begin, child_end, child_depth, words);
    begin = child_end;
  }
  return any;
}

void RpzTree::emit_node(std::string_view key, const Answer& here, const Answer& below) {
  const std::string name = name_of(key);
  const auto put = [&](const Answer& answer, bool wildcard) {
    if (answer.policy == RpzPolicy::None) return;
    emit_({name, wildcard, answer.policy, answer.order != nullptr ? std::string_view(answer.order->id) : ""});
  };
  put(here, false);
  put(below, true);
}

}  // namespace sluice
