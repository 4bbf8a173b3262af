#include "control/ctl/client.h"

#include <curl/curl.h>

#include <cstring>
#include <memory>

namespace sluice {
namespace {

constexpr std::size_t kMaxAnswer = std::size_t{1} << 30;

std::size_t take_body(char* data, std::size_t size, std::size_t count, void* to) {
  auto& body = *static_cast<std::string*>(to);
  if (body.size() + size * count > kMaxAnswer) return 0;
  body.append(data, size * count);
  return size * count;
}

struct CappedBody {
  std::string bytes;
  std::size_t most;
};

std::size_t take_capped(char* data, std::size_t size, std::size_t count, void* to) {
  auto& body = *static_cast<CappedBody*>(to);
  if (body.bytes.size() + size * count > body.most) return 0;
  body.bytes.append(data, size * count);
  return size * count;
}

struct CurlDeleter {
  void operator()(CURL* curl) const noexcept { curl_easy_cleanup(curl); }
};

}  // namespace

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

Result<HttpAnswer, std::string> ask_sluiced(const std::string& socket, std::string_view method, std::string_view path,
                                            const std::map<std::string, std::string>& query, const std::string& body) {
  const std::unique_ptr<CURL, CurlDeleter> curl(curl_easy_init());
  if (curl == nullptr) return std::unexpected(std::string("out of memory"));
  std::string url = "http://sluiced" + std::string(path);
  char separator = '?';
  for (const auto& [key, value] : query) {
    url += separator + key + "=" + percent_encoded(value);
    separator = '&';
  }
  HttpAnswer answer;
  curl_easy_setopt(curl.get(), CURLOPT_UNIX_SOCKET_PATH, socket.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROXY, "");
  curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT_MS, 5000L);
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, &take_body);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer.body);
  if (method == "POST") {
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, body.c_str());
  } else {
    curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, 60'000L);
  }
  const CURLcode code = curl_easy_perform(curl.get());
  if (code != CURLE_OK) {
    long system = 0;  // why connect() failed, where it did
    curl_easy_getinfo(curl.get(), CURLINFO_OS_ERRNO, &system);
    const bool told = code == CURLE_COULDNT_CONNECT && system != 0;
    return std::unexpected("sluiced does not answer on " + socket + ": " +
                           (told ? std::strerror(static_cast<int>(system)) : curl_easy_strerror(code)));
  }
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &answer.status);
  return answer;
}

Result<std::string, std::string> get_url(const std::string& url, std::size_t most) {
  const std::unique_ptr<CURL, CurlDeleter> curl(curl_easy_init());
  if (curl == nullptr) return std::unexpected(std::string("out of memory"));
  CappedBody body{{}, most};
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl.get(), CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT_MS, 10'000L);
  curl_easy_setopt(curl.get(), CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_LOW_SPEED_TIME, 30L);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, &take_capped);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &body);
  const CURLcode code = curl_easy_perform(curl.get());
  if (code != CURLE_OK) return std::unexpected(std::string(curl_easy_strerror(code)));
  return std::move(body.bytes);
}

}  // namespace sluice
