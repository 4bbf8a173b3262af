#include "dataplane/base/cursor.h"

#include <array>
#include <catch2/catch.hpp>

using sluice::Bytes;
using sluice::Cursor;

TEST_CASE("cursor: reads big-endian fields in order") {
  const std::array<std::uint8_t, 10> bytes{1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  Cursor c{Bytes(bytes)};
  CHECK(c.u8() == 1);
  CHECK(c.be16() == 0x0203);
  CHECK(c.be24() == 0x040506);
  CHECK(c.be32() == 0x0708090a);
  CHECK(c.empty());
  CHECK(c.ok());
}

TEST_CASE("cursor: after the first read past the end every read yields zero and it stays failed") {
  const std::array<std::uint8_t, 3> bytes{1, 2, 3};
  Cursor c{Bytes(bytes)};
  CHECK(c.be32() == 0);
  CHECK_FALSE(c.ok());
  CHECK(c.u8() == 0);
  CHECK(c.bytes(1).empty());
  CHECK(c.remaining() == 0);
}

TEST_CASE("cursor: a length prefix yields a sub-cursor that cannot see beyond it") {
  const std::array<std::uint8_t, 5> bytes{0, 2, 7, 8, 9};
  Cursor c{Bytes(bytes)};
  Cursor inner = c.sub16();
  CHECK(inner.u8() == 7);
  CHECK(inner.u8() == 8);
  CHECK(inner.u8() == 0);
  CHECK_FALSE(inner.ok());
  CHECK(c.ok());
  CHECK(c.u8() == 9);
}

TEST_CASE("cursor: a length prefix beyond the parent fails parent and child") {
  const std::array<std::uint8_t, 3> bytes{0, 5, 7};
  Cursor c{Bytes(bytes)};
  const Cursor inner = c.sub16();
  CHECK_FALSE(inner.ok());
  CHECK_FALSE(c.ok());
}

TEST_CASE("cursor: QUIC varints of RFC 9000 A.1") {
  const std::array<std::uint8_t, 15> bytes{0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c,
                                           0x9d, 0x7f, 0x3e, 0x7d, 0x7b, 0xbd, 0x25};
  Cursor c{Bytes(bytes)};
  CHECK(c.varint() == 151288809941952652ULL);
  CHECK(c.varint() == 494878333ULL);
  CHECK(c.varint() == 15293ULL);
  CHECK(c.varint() == 37ULL);
  CHECK(c.varint() == 0);
  CHECK_FALSE(c.ok());
}
