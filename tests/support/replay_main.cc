// Runs a fuzz target over every file of its corpus folders, in builds without libFuzzer: so that targets and corpora
// cannot rot. Buffers have the exact size of the file: an over-read is an over-read.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int argc, char** argv) {
  std::size_t runs = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i])) {
      if (!entry.is_regular_file()) continue;
      std::ifstream in(entry.path(), std::ios::binary);
      const std::vector<char> bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
      const std::unique_ptr<std::uint8_t[]> exact(new std::uint8_t[bytes.size()]);
      for (std::size_t b = 0; b < bytes.size(); ++b) exact[b] = static_cast<std::uint8_t>(bytes[b]);
      LLVMFuzzerTestOneInput(exact.get(), bytes.size());
      ++runs;
    }
  }
  std::printf("%zu inputs replayed\n", runs);
  return runs > 0 ? 0 : 1;
}
