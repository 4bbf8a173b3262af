#include "control/ctl/token.h"

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>
#include <memory>
#include <span>
#include <vector>

#include "control/ctl/complain.h"
#include "control/ctl/exit_code.h"
#include "rules/sign/bundle_file.h"

namespace sluice {
namespace {

std::unexpected<std::string> fail(const std::string& what, CK_RV code) {
  std::array<char, 32> number{};
  std::snprintf(number.data(), number.size(), "0x%lx", static_cast<unsigned long>(code));
  return std::unexpected(what + " failed: PKCS#11 error " + number.data());
}

/// A module that is loaded, and a session with the token that holds the key.
class Token {
 public:
  static Result<std::shared_ptr<Token>, std::string> open(const TokenKey& key, std::string pin);
  ~Token() {
    if (session_ != 0) calls_->C_CloseSession(session_);
    if (calls_ != nullptr) calls_->C_Finalize(nullptr);
    if (module_ != nullptr) ::dlclose(module_);
  }
  Token(const Token&) = delete;
  Token& operator=(const Token&) = delete;

  [[nodiscard]] const std::array<std::uint8_t, 32>& public_key() const { return public_; }
  Result<std::array<std::uint8_t, 64>, std::string> sign(std::span<const std::uint8_t> message) const;

 private:
  Token() = default;
  Result<void, std::string> load(const std::string& module);
  Result<void, std::string> log_in(CK_SLOT_ID slot, std::string& pin);
  Result<void, std::string> find_key(const std::string& label);
  std::vector<CK_OBJECT_HANDLE> find(std::span<CK_ATTRIBUTE> wanted) const;
  [[nodiscard]] std::vector<std::uint8_t> attribute(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) const;

  void* module_ = nullptr;
  CK_FUNCTION_LIST* calls_ = nullptr;
  CK_SESSION_HANDLE session_ = 0;
  CK_OBJECT_HANDLE private_ = 0;
  std::array<std::uint8_t, 32> public_{};
};

Result<void, std::string> Token::load(const std::string& module) {
  module_ = ::dlopen(module.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module_ == nullptr) return std::unexpected(std::string(::dlerror()));
  const auto list = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(module_, "C_GetFunctionList"));
  if (list == nullptr) return std::unexpected(module + ": not a PKCS#11 module");
  if (const CK_RV code = list(&calls_); code != CKR_OK) return fail("C_GetFunctionList", code);
  if (const CK_RV code = calls_->C_Initialize(nullptr); code != CKR_OK) {
    calls_ = nullptr;
    return fail("C_Initialize", code);
  }
  return {};
}

Result<void, std::string> Token::log_in(CK_SLOT_ID slot, std::string& pin) {
  if (const CK_RV code = calls_->C_OpenSession(slot, CKF_SERIAL_SESSION, nullptr, nullptr, &session_); code != CKR_OK) {
    return fail("C_OpenSession", code);
  }
  const CK_RV code = calls_->C_Login(session_, CKU_USER, reinterpret_cast<CK_UTF8CHAR*>(pin.data()), pin.size());
  return code == CKR_OK ? Result<void, std::string>() : fail("C_Login (the PIN)", code);
}

std::vector<CK_OBJECT_HANDLE> Token::find(std::span<CK_ATTRIBUTE> wanted) const {
  std::array<CK_OBJECT_HANDLE, 16> found{};
  CK_ULONG count = 0;
  if (calls_->C_FindObjectsInit(session_, wanted.data(), wanted.size()) != CKR_OK) return {};
  if (calls_->C_FindObjects(session_, found.data(), found.size(), &count) != CKR_OK) count = 0;
  calls_->C_FindObjectsFinal(session_);
  return {found.begin(), found.begin() + static_cast<std::ptrdiff_t>(count)};
}

std::vector<std::uint8_t> Token::attribute(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) const {
  CK_ATTRIBUTE wanted{type, nullptr, 0};
  if (calls_->C_GetAttributeValue(session_, object, &wanted, 1) != CKR_OK || wanted.ulValueLen > 4096) return {};
  std::vector<std::uint8_t> out(wanted.ulValueLen);
  wanted.pValue = out.data();
  return calls_->C_GetAttributeValue(session_, object, &wanted, 1) == CKR_OK ? out : std::vector<std::uint8_t>();
}

Result<void, std::string> Token::find_key(const std::string& label) {
  std::string name = label;
  CK_OBJECT_CLASS kind = CKO_PRIVATE_KEY;
  CK_KEY_TYPE type = CKK_EC_EDWARDS;
  std::vector<CK_ATTRIBUTE> wanted{{CKA_CLASS, &kind, sizeof kind}, {CKA_KEY_TYPE, &type, sizeof type}};
  if (!name.empty()) wanted.push_back({CKA_LABEL, name.data(), name.size()});
  const auto keys = find(wanted);
  if (keys.size() != 1) {
    return std::unexpected(keys.empty() ? "the token has no such Ed25519 key" : "several keys fit: say --label");
  }
  private_ = keys[0];

  std::vector<std::uint8_t> id = attribute(private_, CKA_ID);
  kind = CKO_PUBLIC_KEY;
  std::vector<CK_ATTRIBUTE> public_half{
      {CKA_CLASS, &kind, sizeof kind}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_ID, id.data(), id.size()}};
  const auto publics = find(public_half);
  const std::vector<std::uint8_t> point =
      publics.empty() ? std::vector<std::uint8_t>() : attribute(publics[0], CKA_EC_POINT);
  // 32 bytes, or a DER OCTET STRING of them (PKCS#11 3.0, 2.3.5).
  const bool wrapped = point.size() == 34 && point[0] == 4 && point[1] == 32;
  if (point.size() != 32 && !wrapped) return std::unexpected(std::string("the token does not tell the public key"));
  std::copy(point.end() - 32, point.end(), public_.begin());
  return {};
}

Result<std::array<std::uint8_t, 64>, std::string> Token::sign(std::span<const std::uint8_t> message) const {
  CK_MECHANISM eddsa{CKM_EDDSA, nullptr, 0};
  if (const CK_RV code = calls_->C_SignInit(session_, &eddsa, private_); code != CKR_OK)
    return fail("C_SignInit", code);
  std::array<std::uint8_t, 64> out{};
  CK_ULONG bytes = out.size();
  std::vector<std::uint8_t> copy(message.begin(), message.end());
  const CK_RV code = calls_->C_Sign(session_, copy.data(), copy.size(), out.data(), &bytes);
  if (code != CKR_OK || bytes != out.size()) return fail("C_Sign", code);
  return out;
}

Result<std::shared_ptr<Token>, std::string> Token::open(const TokenKey& key, std::string pin) {
  std::shared_ptr<Token> token(new Token());
  if (auto loaded = token->load(key.module); !loaded) return std::unexpected(loaded.error());
  std::array<CK_SLOT_ID, 64> slots{};
  CK_ULONG count = slots.size();
  if (const CK_RV code = token->calls_->C_GetSlotList(CK_TRUE, slots.data(), &count); code != CKR_OK) {
    return fail("C_GetSlotList", code);
  }
  std::string why = "no token is there";
  for (const CK_SLOT_ID slot : std::span(slots).first(count)) {
    CK_TOKEN_INFO info{};
    if (token->calls_->C_GetTokenInfo(slot, &info) != CKR_OK || (info.flags & CKF_TOKEN_INITIALIZED) == 0) continue;
    Result<void, std::string> done = token->log_in(slot, pin);
    if (done) done = token->find_key(key.label);
    if (done) return token;
    why = done.error();
    token->calls_->C_CloseSession(token->session_);
    token->session_ = 0;
  }
  return std::unexpected(key.module + ": " + why);
}

Result<std::string, std::string> pin_of(const TokenKey& key) {
  if (key.pin_file.empty()) return ask_password("PIN: ");
  const auto text = read_small_file(key.pin_file, 4096);
  if (!text) return std::unexpected(text.error().detail);
  return text->substr(0, text->find_first_of("\r\n"));
}

Result<std::shared_ptr<Token>, std::string> open_token(const TokenKey& key) {
  const auto pin = pin_of(key);
  if (!pin) return std::unexpected(pin.error());
  return Token::open(key, *pin);
}

Result<MinisignSignature, std::string> sign_with(const Token& token, const MinisignPublicKey& key,
                                                 const Blake2b512& digest, const std::string& comment) {
  MinisignSignature out;
  out.number = key.number;
  out.trusted_comment = comment;
  const auto signature = token.sign(digest);
  if (!signature) return std::unexpected(signature.error());
  out.signature = *signature;
  std::vector<std::uint8_t> both(signature->begin(), signature->end());
  both.insert(both.end(), comment.begin(), comment.end());
  const auto global = token.sign(both);
  if (!global) return std::unexpected(global.error());
  out.global = *global;
  if (!verify(key, digest, out)) return std::unexpected(std::string("the token gave a signature that does not hold"));
  return out;
}

}  // namespace

Result<Signer, std::string> token_signer(const TokenKey& key) {
  const auto text = read_small_file(key.public_file, kMaxMinisignBytes);
  if (!text) return std::unexpected(text.error().detail);
  const auto public_key = read_public_key(*text);
  if (!public_key) return std::unexpected(key.public_file + ": " + std::string(to_string(public_key.error())));
  const auto token = open_token(key);
  if (!token) return std::unexpected(token.error());
  if ((*token)->public_key() != public_key->key) {
    return std::unexpected(key.public_file + ": not the public key of the token's key");
  }
  return Signer{[token = *token, key_of = *public_key](const Blake2b512& digest, const std::string& comment) {
    return sign_with(*token, key_of, digest, comment);
  }};
}

int run_token_public(const TokenKey& key, const std::string& out) {
  const auto token = open_token(key);
  if (!token) return complain(token.error(), kAnswerIsNo);
  MinisignPublicKey public_key;
  public_key.key = (*token)->public_key();
  const Digests digests = digests_of({reinterpret_cast<const char*>(public_key.key.data()), public_key.key.size()});
  std::copy_n(digests.blake2b.begin(), public_key.number.size(), public_key.number.begin());
  if (!write_output(out, write_public_key(public_key), 0644, false)) return kAnswerIsNo;
  std::cout << "key " << key_id(public_key.number) << "\n  public  " << out << '\n';
  return kFine;
}

}  // namespace sluice
