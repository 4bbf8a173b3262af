#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/model/order.h"
#include "rules/text/text_error.h"

namespace sluice {

/// A name that another tool's list blocks or excepts.
struct ImportedName {
  NameTarget target;
  OrderAction action = OrderAction::Block;
  std::string number;  ///< of the decision, where the list gives one; else empty
};

/// What another tool's list says in the words of orders. Nothing is widened: what a name with a scope cannot say is a
/// loss.
struct Imported {
  std::vector<ImportedName> names;  ///< distinct, ascending by number and name
  std::vector<TextError> losses;    ///< what was left out, and why; code E_SCOPE with its subject: for the ledger
};

/// Collects what a reader of lists finds.
class ImportCollector {
 public:
  /// Text of a name, as the list has it. "*.name" is a subtree without its apex, which no order can say: a loss.
  void add(std::uint32_t line, std::string_view text, Scope scope, OrderAction action = OrderAction::Block,
           std::string_view number = {});
  void lose(std::uint32_t line, std::string what);
  /// A URL or account: whole names only can be ordered.
  void refer(std::uint32_t line, std::string subject, std::string what);
  [[nodiscard]] Imported finish();

 private:
  Imported out_;
};

/// "0.0.0.0 name …" (also 127.0.0.1, ::, ::1): exact names. Other addresses, and the names of this host, are losses.
[[nodiscard]] Imported import_hosts(std::string_view text);

/// One name a line, "#" begins a comment; the width is the caller's to know.
[[nodiscard]] Imported import_plain(std::string_view text, Scope scope);

/// Adblock rules for names: ||name^ is a subtree, @@||name^ an exception. Rules for pages, elements, paths or some
/// requests only, and patterns, are losses.
[[nodiscard]] Imported import_adblock(std::string_view text);

/// Columns of a CSV file, in their order.
enum class CsvColumn : std::uint8_t { Name, Scope, Number, Ignored };
struct CsvShape {
  std::vector<CsvColumn> columns;
  std::optional<Scope> scope;  ///< of all names, where no column says it
  char separator = ',';
  bool heading = false;  ///< the first record names the columns
};
/// "name,scope,number,-" → columns; nothing where a word is none of these, or "name" does not stand once.
[[nodiscard]] std::optional<std::vector<CsvColumn>> csv_columns(std::string_view text);
/// RFC 4180, quoted fields also over several lines.
[[nodiscard]] Imported import_csv(std::string_view text, const CsvShape& shape);

/// A response policy zone as a master file (RFC 1035 5; no $INCLUDE or $GENERATE): a name alone is exact, a name and
/// "*." below it a subtree; NXDOMAIN, NODATA and drop block, passthru is an exception. Other triggers and actions are
/// losses.
[[nodiscard]] Imported import_rpz(std::string_view text);

/// A register as an XML dump (<content> with <decision>, <domain>, <url>, <ip>; blockType): names that are blocked as
/// such, exact. URLs are for the ledger, addresses and masks are losses. Read as a stream, without entities or DTD;
/// one that does not read is a loss at the place where it ends to.
[[nodiscard]] Imported import_dump_xml(std::string_view text);

/// The order file of what was imported: `head` (schema, feed and defaults, as an author wrote them) and one order for
/// each action and number; `id` is the id of the first, "-2" and so on is added for further ones; `number` is for
/// names that bring none. Many names of one order go into a names file beside it, called `stem`-ID-SCOPE.txt.
struct OrderFileOptions {
  std::string head, id, number, stem;
};
struct OrderFileText {
  std::string text;
  std::vector<std::pair<std::string, std::string>> names_files;  ///< name and text
};
inline constexpr std::size_t kMaxInlineNames = 1000;  ///< of one order and scope
[[nodiscard]] OrderFileText write_order_file(const Imported& imported, const OrderFileOptions& options);

}  // namespace sluice
