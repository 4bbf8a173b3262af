#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/result.h"
#include "rules/tlog/merkle.h"

namespace sluice {

// C2SP signed-note and tlog-checkpoint, with Ed25519 keys.

enum class NoteError : std::uint8_t {
  Malformed,     ///< no blank line before the signatures, a control character, or a line that is not a signature
  UnknownKey,    ///< no signature line of the key asked for
  BadSignature,  ///< a line of that key, which does not verify
  BadKey,        ///< not `name+hash+base64`, or a hash that does not fit
};
[[nodiscard]] std::string_view to_string(NoteError error) noexcept;

/// Whom a signature line belongs to. `id` = SHA-256(name "\n" 0x01 key), first four bytes.
struct NoteVerifier {
  std::string name;
  std::array<std::uint8_t, 4> id{};
  std::array<std::uint8_t, 32> key{};

  /// The published form, `name+hash+base64(0x01 key)`.
  [[nodiscard]] std::string text() const;
};
[[nodiscard]] NoteVerifier make_verifier(std::string name, const std::array<std::uint8_t, 32>& key);
[[nodiscard]] Result<NoteVerifier, NoteError> parse_verifier(std::string_view text);

/// Who signs: a verifier and its secret half.
struct NoteSigner {
  NoteVerifier who;
  std::array<std::uint8_t, 64> secret{};

  /// The form in which tools of signed notes keep it, `PRIVATE+KEY+name+hash+base64(0x01 seed)`.
  [[nodiscard]] std::string text() const;
};
[[nodiscard]] NoteSigner make_signer(std::string name, const std::array<std::uint8_t, 32>& seed);
[[nodiscard]] Result<NoteSigner, NoteError> parse_signer(std::string_view text);
/// What may name a key or a log: not empty, no space, control character or plus.
[[nodiscard]] bool is_note_name(std::string_view name) noexcept;

/// `text` ends in a newline. Gives the text, a blank line, and the signature line.
[[nodiscard]] std::string sign_note(std::string_view text, const NoteVerifier& who,
                                    const std::array<std::uint8_t, 64>& secret);
/// The text of a note that `who` signed (lines of other keys, such as witnesses, are passed over).
[[nodiscard]] Result<std::string, NoteError> open_note(std::string_view note, const NoteVerifier& who);

// C2SP tlog-cosignature: a witness states that the log of a checkpoint only grew. Its verifier keys are of type 0x04.
[[nodiscard]] NoteVerifier make_cosigner(std::string name, const std::array<std::uint8_t, 32>& key);
[[nodiscard]] Result<NoteVerifier, NoteError> parse_cosigner(std::string_view text);
[[nodiscard]] std::string cosigner_text(const NoteVerifier& cosigner);
/// The line that a witness adds to a checkpoint; `time`: seconds since 1970.
[[nodiscard]] std::string cosign(std::string_view note, const NoteVerifier& cosigner,
                                 const std::array<std::uint8_t, 64>& secret, std::uint64_t time);
/// When the witness says it saw this checkpoint; nothing where it has not cosigned it.
[[nodiscard]] std::optional<std::uint64_t> cosignature_time(std::string_view note, const NoteVerifier& cosigner);

struct Checkpoint {
  std::string origin;
  std::uint64_t size = 0;
  TreeHash root{};
};
[[nodiscard]] std::string to_text(const Checkpoint& checkpoint);
/// Extension lines behind the root are allowed and passed over.
[[nodiscard]] Result<Checkpoint, NoteError> parse_checkpoint(std::string_view text);

}  // namespace sluice
