#include "tests/bench/match/name_lists.h"

#include <array>
#include <random>

#include "tests/support/feeds.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kQueries = 65536;
constexpr std::uint64_t kListed = 1, kUnlisted = 2;

std::string random_word(std::mt19937_64& random, std::size_t least, std::size_t most) {
  std::string out(least + random() % (most - least + 1), 'a');
  for (char& c : out) c = static_cast<char>('a' + random() % 26);
  return out;
}

std::string base36(std::uint64_t n) {
  std::string out;
  do {
    out += "0123456789abcdefghijklmnopqrstuvwxyz"[n % 36];
    n /= 36;
  } while (n != 0);
  return out;
}

}  // namespace

std::vector<std::string> make_names(std::size_t count, std::uint64_t seed) {
  static constexpr std::array<const char*, 8> kEndings{"com", "net", "org", "com.pk", "info", "co.uk", "xyz", "ru"};
  static constexpr std::array<const char*, 5> kHosts{"www", "m", "cdn", "mail", "news"};
  std::mt19937_64 random(seed);
  std::vector<std::string> out;
  out.reserve(count);
  std::string site;
  for (std::size_t i = 0; i < count; ++i) {
    // A site has two names on average: lists name sites, and hosts of theirs.
    if (i % 2 == 0) {
      site = random_word(random, 2, 9) + base36(i * 4 + seed) + "." + kEndings[random() % kEndings.size()];
    }
    const bool bare = i % 2 == 0;
    std::string host = bare ? "" : std::string(kHosts[random() % kHosts.size()]) + base36(random() % 100) + ".";
    if (random() % 3 == 0) host = random_word(random, 1, 8) + "." + host;
    out.push_back(host + site);
  }
  return out;
}

std::vector<Feed> make_feeds(const std::vector<std::string>& names) {
  std::vector<Target> targets;
  targets.reserve(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    targets.push_back(i % 2 == 0 ? test::exact(names[i]) : test::subtree(names[i]));
  }
  std::vector<Feed> feeds;
  feeds.push_back(test::feed("bench", {}, {}));
  feeds[0].snapshot.orders.push_back(test::block("A-1", std::move(targets)));
  return feeds;
}

std::vector<std::string> make_queries(const std::vector<std::string>& listed, unsigned hits_percent) {
  const std::vector<std::string> unlisted = make_names(kQueries, kUnlisted);
  std::mt19937_64 random(kListed);
  std::vector<std::string> out(kQueries);
  for (std::size_t i = 0; i < kQueries; ++i) {
    const bool hit = random() % 100 < hits_percent;
    out[i] = hit ? listed[random() % listed.size()] : unlisted[i];
  }
  return out;
}

}  // namespace sluice::bench
