// A socket as OpenSSL sees it.
#pragma once

#include <openssl/bio.h>

#include "net/tls_context.h"

namespace cloister::net {

using BioPtr = std::unique_ptr<BIO, Freed<BIO_free_all>>;

// Reads and writes a non-blocking socket in blocks of many TLS records: a system call is expensive,
// and out of an enclave very much so. What is written leaves when OpenSSL or BIO_flush flushes, or
// a block is full. Null when memory is out.
BioPtr make_socket_bio(int socket);

}  // namespace cloister::net
