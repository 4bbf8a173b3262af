// Writes the seeds of the fuzz targets image_reader and matcher: make_image_seeds tests/corpus
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>

#include "rules/image/build.h"
#include "tests/support/feeds.h"

using namespace sluice;
using namespace sluice::test;

namespace {

void write(const std::filesystem::path& file, const std::vector<std::uint8_t>& bytes) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream out(file, std::ios::binary);
  for (const std::uint8_t byte : bytes) out.put(static_cast<char>(byte));
}

std::vector<std::uint8_t> image_of(const std::vector<Feed>& feeds, MatchEngine engine = MatchEngine::Table) {
  return build_image(feeds, {engine, {}}, key_pair().secret).value();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_image_seeds CORPUS_FOLDER\n");
    return 2;
  }
  const std::filesystem::path corpus = argv[1];
  OrderWithTargets told = block("A-1", {subtree("example.org"), exact("www.example.net"), subtree("a")});
  told.order.authority = "Authority";
  told.order.reason = {{"en", "Reason"}};
  const std::vector<Feed> names{feed("b", {9, false}, {allow("B-1", {exact("ok.example.org")})}),
                                feed("a", {1, true}, {told})};
  write(corpus / "image_reader/empty", image_of({}));
  write(corpus / "image_reader/names", image_of(names));
  write(corpus / "image_reader/pattern",
        image_of({feed("a", {}, {block("A-1", {pattern("m[0-9]\\.example\\.org")})})}));
  write(corpus / "image_reader/hyperscan",
        image_of({feed("a", {}, {block("A-1", {subtree("t.me")})})}, MatchEngine::Hyperscan));
  std::mt19937 random(1);
  for (int n = 0; n < 8; ++n) {
    std::vector<std::uint8_t> choices(400);
    for (std::uint8_t& choice : choices) choice = static_cast<std::uint8_t>(random());
    write(corpus / ("matcher/random-" + std::to_string(n)), choices);
  }
  return 0;
}
