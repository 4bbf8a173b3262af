#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace sluice {

/// Numbers are those of syslog(3), as journald wants them.
enum class LogLevel : std::uint8_t { Error = 3, Warning = 4, Notice = 5, Info = 6 };

enum class LogSink : std::uint8_t {
  Stderr,    ///< `LEVEL message key=value`
  Journald,  ///< the same fields as SLUICE_KEY=value, MESSAGE=message
};

using LogFields = std::initializer_list<std::pair<std::string_view, std::string_view>>;

/// Where log() writes from now on. Call once, before threads start.
void set_log_sink(LogSink sink) noexcept;

/// One event. Any thread; never throws. Field names are lower-case words joined by '_'. No client address and no name
/// that a client asked for ever goes in here.
void log(LogLevel level, std::string_view message, LogFields fields = {}) noexcept;

/// The line that goes to stderr, without its newline. Values with blanks, quotes or control bytes are quoted and
/// escaped, so that what a bundle says cannot forge a line.
[[nodiscard]] std::string log_line(LogLevel level, std::string_view message, LogFields fields);

}  // namespace sluice
