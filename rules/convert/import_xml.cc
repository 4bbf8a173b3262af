#include <libxml/xmlreader.h>

#include <limits>
#include <memory>

#include "rules/convert/imported.h"
#include "rules/model/ascii.h"

namespace sluice {
namespace {

struct FreeReader {
  void operator()(xmlTextReaderPtr reader) const noexcept { xmlFreeTextReader(reader); }
};
using Reader = std::unique_ptr<xmlTextReader, FreeReader>;

std::string_view view(const xmlChar* text) {
  return text == nullptr ? std::string_view() : std::string_view(reinterpret_cast<const char*>(text));
}

std::string attribute(xmlTextReaderPtr reader, const char* name) {
  xmlChar* const value = xmlTextReaderGetAttribute(reader, reinterpret_cast<const xmlChar*>(name));
  std::string out(view(value));
  xmlFree(value);
  return out;
}

/// One <content> after the other.
class Dump {
 public:
  void begin(xmlTextReaderPtr reader, std::string_view element) {
    if (element == "content") {
      block_type_ = attribute(reader, "blockType");
      number_.clear();
      has_url_ = false;
      domain_line_ = 0;
    } else if (element == "decision") {
      number_ = attribute(reader, "number");
    }
  }

  void text(std::uint32_t line, std::string_view element, std::string_view text) {
    if (element == "url") {
      has_url_ = true;
      if (block_type_.empty() || block_type_ == "default") {
        out_.refer(line, std::string(text), std::string(text) + ": a URL (G3): DNS and TLS show whole hosts only");
      }
    } else if (element == "domain") {
      domain_ = text;
      domain_line_ = line;
    } else if (element.starts_with("ip")) {
      if (block_type_ == "ip") out_.lose(line, std::string(text) + ": an address, not a name (G4)");
    }
  }

  void end(std::string_view element) {
    if (element != "content" || domain_line_ == 0) return;
    // Without a blockType the URL is what is blocked, and the domain only tells where it lies.
    const bool by_name = block_type_ == "domain" || block_type_ == "domain-mask" || (block_type_.empty() && !has_url_);
    if (by_name) {
      out_.add(domain_line_, domain_, Scope::Exact, OrderAction::Block, number_);
    } else if (block_type_ != "ip" && !has_url_) {
      out_.lose(domain_line_, domain_ + ": not blocked by its name (blockType " + block_type_ + ")");
    }
  }

  void lose(std::uint32_t line, std::string what) { out_.lose(line, std::move(what)); }
  Imported finish() { return out_.finish(); }

 private:
  std::string block_type_, number_, domain_;
  std::uint32_t domain_line_ = 0;
  bool has_url_ = false;
  ImportCollector out_;
};

void forget_error(void*, xmlErrorPtr) {}

std::uint32_t line_of(xmlTextReaderPtr reader) {
  // The node's own line; the parser reads ahead of it.
  const xmlNodePtr node = xmlTextReaderCurrentNode(reader);
  const long line = node == nullptr ? xmlTextReaderGetParserLineNumber(reader) : xmlGetLineNo(node);
  return line < 1 ? 1 : static_cast<std::uint32_t>(line);
}

/// False where reading must end.
bool take_node(xmlTextReaderPtr reader, std::string& element, Dump& dump) {
  switch (xmlTextReaderNodeType(reader)) {
    case XML_READER_TYPE_DOCUMENT_TYPE: dump.lose(line_of(reader), "a DOCTYPE: not read"); return false;
    case XML_READER_TYPE_ELEMENT:
      element = view(xmlTextReaderConstLocalName(reader));
      dump.begin(reader, element);
      if (xmlTextReaderIsEmptyElement(reader) == 1) dump.end(element);
      return true;
    case XML_READER_TYPE_TEXT:
    case XML_READER_TYPE_CDATA:
      if (const std::string_view text = trimmed(view(xmlTextReaderConstValue(reader))); !text.empty()) {
        dump.text(line_of(reader), element, text);
      }
      return true;
    case XML_READER_TYPE_END_ELEMENT:
      dump.end(view(xmlTextReaderConstLocalName(reader)));
      element.clear();
      return true;
    default: return true;
  }
}

}  // namespace

Imported import_dump_xml(std::string_view text) {
  Dump dump;
  if (text.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    dump.lose(1, "over 2 GiB");
    return dump.finish();
  }
  // No network, no DTD, no entities put in their places, and libxml2's own limits against giant nodes.
  const Reader reader(
      xmlReaderForMemory(text.data(), static_cast<int>(text.size()), "dump.xml", nullptr,
                         XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_BIG_LINES));
  if (!reader) {
    dump.lose(1, "not XML");
    return dump.finish();
  }
  xmlTextReaderSetStructuredErrorHandler(reader.get(), forget_error, nullptr);
  std::string element;
  int read = 0;
  while ((read = xmlTextReaderRead(reader.get())) == 1) {
    if (!take_node(reader.get(), element, dump)) return dump.finish();
  }
  if (read != 0) dump.lose(line_of(reader.get()), "not well-formed XML: what follows is not read");
  return dump.finish();
}

}  // namespace sluice
