// A connection to a TPM through tpm2-tss (ESAPI), with its errors as ours.
#pragma once

#include <tss2/tss2_esys.h>

#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace cloister::attest {

// A result of tpm2-tss, whose words are part of the message: "can't DOING: ...". kNotFound: no such
// key or NV index; kUnavailable: the TPM can't be reached, or says that it may be asked again; kIo
// otherwise.
Result<> check_tpm(TSS2_RC code, std::string_view doing);

// Where a call of ESAPI leaves what it allocates.
template <typename T>
class TpmOut {
 public:
  TpmOut() = default;
  ~TpmOut() { Esys_Free(value_); }
  TpmOut(const TpmOut&) = delete;
  TpmOut& operator=(const TpmOut&) = delete;

  T** out() { return &value_; }
  const T* operator->() const { return value_; }
  const T& operator*() const { return *value_; }

 private:
  T* value_ = nullptr;
};

// Nothing of it outlives a piece of evidence: it takes no turn from other programs in between, and
// a TPM that was restarted meanwhile is a new connection like any other. Not thread-safe.
class TpmSession {
 public:
  // `tcti` as tpm2-tss names it. The first call in a process sets TSS2_LOG, unless it is set: what
  // tpm2-tss would print is in our errors.
  static Result<TpmSession> open(const std::string& tcti);

  ESYS_CONTEXT* get() const { return esys_.get(); }

 private:
  struct FreeTcti {
    void operator()(TSS2_TCTI_CONTEXT* tcti) const;
  };
  struct FreeEsys {
    void operator()(ESYS_CONTEXT* esys) const;
  };
  std::unique_ptr<TSS2_TCTI_CONTEXT, FreeTcti> tcti_;
  std::unique_ptr<ESYS_CONTEXT, FreeEsys> esys_;  // uses the other
};

// A key for as long as its session lives, at most.
class TpmKey {
 public:
  // The attestation key of this TPM: restricted to signing what the TPM itself says, ECDSA on P-256
  // with SHA-256, primary under the endorsement hierarchy. It is made from the TPM's own seed each
  // time, so nothing is stored and its name stays the same for as long as the seed does. It takes
  // one of the three places that a TPM without a resource manager has. tpm2-tools make the same
  // one: tpm2_createprimary -C e -g sha256 -G ecc256:ecdsa-sha256:null
  //   -a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign' -c ak.ctx
  static Result<TpmKey> attestation(const TpmSession& session);
  // One that lies in the TPM.
  static Result<TpmKey> persistent(const TpmSession& session, uint32_t handle);

  ~TpmKey();
  TpmKey(TpmKey&& other) noexcept;
  TpmKey& operator=(TpmKey&&) = delete;

  ESYS_TR get() const { return key_; }
  Bytes public_area() const { return public_area_; }  // TPM2B_PUBLIC

 private:
  TpmKey(const TpmSession& session, ESYS_TR key, bool transient)
      : esys_(session.get()), key_(key), transient_(transient) {}
  Result<> keep_public_area(const TPM2B_PUBLIC& area);

  ESYS_CONTEXT* esys_;
  ESYS_TR key_;
  bool transient_;
  std::vector<std::byte> public_area_;
};

}  // namespace cloister::attest
