// Writes the seeds of the QUIC fuzz targets below the folder given (tests/corpus).
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/quic_sealer.h"

using namespace sluice::test;

namespace {

void write(const std::filesystem::path& file, const ByteVector& bytes) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

ByteVector piece(const ByteVector& hello, std::size_t from, std::size_t to) {
  ByteVector frames;
  append_crypto(frames, from, sluice::Bytes(hello).subspan(from, to - from));
  return frames;
}

ByteVector initial(std::uint32_t version, const ByteVector& frames) {
  const ByteVector id{1, 2, 3, 4, 5, 6, 7, 8};
  return seal({.version = version, .keys_from = id, .dcid = id, .scid = {9}, .token = {7}, .frames = frames});
}

void append_step(ByteVector& out, std::uint8_t op, const ByteVector& bytes, std::uint8_t how = 0) {
  out.push_back(op);
  out.push_back(how);
  out.push_back(static_cast<std::uint8_t>(bytes.size() >> 8));
  out.push_back(static_cast<std::uint8_t>(bytes.size()));
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void initials(const std::filesystem::path& to) {
  const ByteVector hello = client_hello("news.example.org");
  const ByteVector frames = piece(hello, 0, hello.size());
  write(to / "v1", initial(1, frames));
  write(to / "v2", initial(0x6b3343cf, frames));
  write(to / "draft29", initial(0xff00001d, frames));
  write(to / "frames", from_hex("0001020000010001020340010000000102031c0a0601610600024142"));
  write(to / "retry", from_hex("f0000000010401020304000102030405060708090a0b0c0d0e0f10"));
  write(to / "negotiation", from_hex("800000000004010203040000000001"));
  ByteVector coalesced = from_hex("d00000000100000401020304");
  const ByteVector behind = initial(1, frames);
  coalesced.insert(coalesced.end(), behind.begin(), behind.end());
  write(to / "coalesced", coalesced);
}

void readers(const std::filesystem::path& to) {
  const ByteVector small = client_hello("a.example");
  const ByteVector large = client_hello("news.example.org", 1700);
  ByteVector one, split, reversed, coalesced, many, raw;
  append_step(one, 0x80, piece(small, 0, small.size()));
  append_step(one, 0x82, piece(small, 0, small.size()));
  write(to / "repeated", one);
  append_step(split, 0x80, piece(large, 0, 900));
  append_step(split, 0xc0, piece(small, 0, small.size()));
  append_step(split, 0x82, piece(large, 900, large.size()), 1);
  write(to / "split-over-versions", split);
  append_step(reversed, 0x80, piece(large, 900, large.size()));
  append_step(reversed, 0x80, piece(large, 0, 1000));
  write(to / "reversed", reversed);
  append_step(coalesced, 0x81, piece(large, 900, large.size()), 2);
  append_step(coalesced, 0x80, piece(large, 0, 900), 2);
  append_step(coalesced, 0x84, piece(large, 0, 900), 2);
  append_step(coalesced, 0x84, piece(large, 900, large.size()), 4 | 2);
  write(to / "coalesced", coalesced);
  for (std::uint8_t i = 0; i < 8; ++i) {
    append_step(many, static_cast<std::uint8_t>(0x80 | (i & 3) << 4 | (i & 1) << 2), piece(large, 0, 900));
  }
  append_step(many, 0x92, piece(large, 900, large.size()));
  write(to / "crowded", many);
  append_step(raw, 0x00, initial(1, piece(large, 0, 900)));
  append_step(raw, 0x00, initial(1, piece(large, 900, large.size())));
  append_step(raw, 0x40, initial(1, piece(small, 0, small.size())));
  write(to / "raw", raw);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: make_quic_seeds FOLDER\n"), 2;
  initials(std::filesystem::path(argv[1]) / "quic_initial");
  readers(std::filesystem::path(argv[1]) / "quic_reader");
  return 0;
}
