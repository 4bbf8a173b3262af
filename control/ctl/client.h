#pragma once

#include <map>
#include <string>
#include <string_view>

#include "dataplane/base/result.h"

namespace sluice {

struct HttpAnswer {
  long status = 0;
  std::string body;
};

/// One request to sluiced over its Unix socket (libcurl). The error says why there is no answer.
[[nodiscard]] Result<HttpAnswer, std::string> ask_sluiced(const std::string& socket, std::string_view method,
                                                          std::string_view path,
                                                          const std::map<std::string, std::string>& query,
                                                          const std::string& body);

/// "a b&c" → "a%20b%26c" (RFC 3986 2.1).
[[nodiscard]] std::string percent_encoded(std::string_view text);

/// The body of a GET that answers 200, of at most `most` bytes. The error is one line.
[[nodiscard]] Result<std::string, std::string> get_url(const std::string& url, std::size_t most);

}  // namespace sluice
