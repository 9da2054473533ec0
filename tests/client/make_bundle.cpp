// Makes the small network's bundle for tests of whole programs: make_bundle DIR writes m.cloister,
// the server's identity.txt and the owner's owner.pub.
#include "base/file.h"
#include "tests/support/served_model.h"

int main(int argc, char** argv) {
  using namespace cloister;
  if (argc != 2) return 2;
  const fs::path folder = argv[1];
  const test::Sealed sealed({});
  fs::copy_file(sealed.path, folder / "m.cloister");
  const auto identity = sealed.identities[0].text();
  const bool written = write_file(folder / "identity.txt", identity.text()) &&
                       write_file(folder / "owner.pub", sealed.signer.public_key.file());
  return written ? 0 : 1;
}
