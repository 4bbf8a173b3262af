#include "control/journal/journal.h"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <vector>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

namespace sluice {
namespace {

std::atomic<LogSink> sink_now{LogSink::Stderr};

std::string_view word(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::Error: return "ERROR";
    case LogLevel::Warning: return "WARNING";
    case LogLevel::Notice: return "NOTICE";
    case LogLevel::Info: return "INFO";
  }
  return "INFO";
}

bool is_plain(char c) noexcept {
  return c > ' ' && c != '"' && c != '\\' && c != 0x7f && c != '=';
}

void append_value(std::string& out, std::string_view value) {
  if (!value.empty() && std::ranges::all_of(value, is_plain)) {
    out += value;
    return;
  }
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

std::string journal_name(std::string_view key) {
  std::string name = "SLUICE_";
  for (const char c : key) name += static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return name;
}

void to_journald(LogLevel level, std::string_view message, LogFields fields) {
  std::vector<std::string> items{"MESSAGE=" + std::string(message),
                                 "PRIORITY=" + std::to_string(static_cast<int>(level))};
  for (const auto& [key, value] : fields) items.push_back(journal_name(key) + "=" + std::string(value));
  std::vector<iovec> parts;
  parts.reserve(items.size());
  for (std::string& item : items) parts.push_back({item.data(), item.size()});
  (void)sd_journal_sendv(parts.data(), static_cast<int>(parts.size()));
}

void to_stderr(std::string line) {
  line += '\n';
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t n = ::write(STDERR_FILENO, rest.data(), rest.size());
    if (n <= 0) return;
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace

void set_log_sink(LogSink sink) noexcept {
  sink_now.store(sink, std::memory_order_relaxed);
}

std::string log_line(LogLevel level, std::string_view message, LogFields fields) {
  std::string line{word(level)};
  line += ' ';
  line += message;
  for (const auto& [key, value] : fields) {
    line += ' ';
    line += key;
    line += '=';
    append_value(line, value);
  }
  return line;
}

void log(LogLevel level, std::string_view message, LogFields fields) noexcept {
  try {
    if (sink_now.load(std::memory_order_relaxed) == LogSink::Journald) {
      to_journald(level, message, fields);
    } else {
      to_stderr(log_line(level, message, fields));
    }
  } catch (const std::exception&) {
    constexpr std::string_view kLost = "ERROR an event was lost: out of memory\n";
    (void)!::write(STDERR_FILENO, kLost.data(), kLost.size());
  }
}

}  // namespace sluice
