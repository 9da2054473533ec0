#include "bundle/bundle.h"

#include <fstream>

#include "base/sha256.h"
#include "tests/bundle/sample_bundle.h"

namespace cloister::bundle {
namespace {

using test::content_of;
using test::Entries;
using test::expect_error;
using test::SampleBundle;
using test::value_of;
using testing::HasSubstr;

const SampleBundle& sample() {
  static const auto* const kSample = new SampleBundle;
  return *kSample;
}

class BundleTest : public testing::Test {
 protected:
  // A bundle of these entries, signed by nobody in particular.
  Result<Bundle> open(const Entries& entries, bool check_signature = true) {
    test::write_zip(path_, entries);
    std::vector<minisign::PublicKey> signers;
    if (check_signature) signers = {sample().key.public_key};
    return Bundle::open(path_, signers, 0);
  }

  // The entries of the sample with the manifest changed, and signed again if asked.
  Entries with_manifest(const std::function<void(Manifest&)>& change, bool sign = true) {
    Entries entries = test::read_zip(sample().path);
    Manifest manifest = sample().manifest;
    change(manifest);
    const std::string json = manifest_json(manifest);
    content_of(entries, kManifestName) = json;
    if (sign) {
      content_of(entries, kSignatureName) =
          value_of(minisign::sign(as_bytes(json), sample().key, ""));
    }
    return entries;
  }

  test::TempDir dir_;
  fs::path path_ = dir_ / "b.cloister";
};

TEST_F(BundleTest, Opens) {
  const Bundle bundle = value_of(sample().open(3));
  EXPECT_EQ(bundle.manifest().model_name, "sample");
  EXPECT_EQ(bundle.signer(), 0U);
  EXPECT_EQ(bundle.manifest_json(), manifest_json(bundle.manifest()));
  EXPECT_EQ(bundle.manifest_sha256(), to_hex(sha256(as_bytes(bundle.manifest_json()))));
  EXPECT_THAT(bundle.manifest_signature(), HasSubstr("sample version 3"));
  EXPECT_EQ(value_of(bundle.read("labels.txt")), "a\nb\nc\nd\ne\n");
  expect_error(bundle.read("labels.txt", 9), Kind::kInvalid, "10 bytes, want at most 9");
  expect_error(bundle.read("audit.json"), Kind::kNotFound, "no entry 'audit.json'");
  expect_error(bundle.read("manifest.json"), Kind::kNotFound, "no entry");
  expect_error(bundle.read("head.onnx.age"), Kind::kUsage, "is encrypted");
  for (const Entry& entry : bundle.manifest().entries) EXPECT_TRUE(bundle.check(entry.name));
  expect_error(bundle.segment("tail", {}), Kind::kNotFound, "no segment 'tail'");
}

TEST_F(BundleTest, OpensWithReleasedHeaders) {
  const Bundle bundle = value_of(sample().open());
  std::vector<age::Identity> fresh;
  fresh.push_back(value_of(age::Identity::generate()));
  WrappedKeys released;
  for (const auto& [entry, header] : value_of(bundle.headers())) {
    released[entry] = value_of(age::rewrap(header, sample().identities, fresh[0].recipient()));
  }
  ASSERT_EQ(released.size(), 2U);
  const Segment want = value_of(bundle.segment("head", sample().identities));
  const Segment got = value_of(bundle.segment("head", fresh, released));
  EXPECT_EQ(got.model, want.model);
  EXPECT_EQ(as_text(got.files.at(0).bytes), as_text(want.files.at(0).bytes));

  EXPECT_FALSE(bundle.segment("head", fresh));
  EXPECT_FALSE(bundle.segment("head", sample().identities, released));
  std::swap(released["head.onnx.age"], released["head.data.age"]);
  expect_error(bundle.segment("head", fresh, released), Kind::kInvalid, "entry 'head.onnx.age'");
}

TEST_F(BundleTest, OlderVersions) {
  expect_error(sample().open(4), Kind::kRefused, "version 3, want 4 or later");
}

TEST_F(BundleTest, Signatures) {
  const auto other = value_of(minisign::generate_key());
  const Entries good = test::read_zip(sample().path);
  const auto open_as = [&](const std::vector<minisign::PublicKey>& signers) {
    return Bundle::open(sample().path, signers, 0);
  };
  expect_error(open_as({other.public_key}), Kind::kRefused, "signed by key");
  EXPECT_EQ(value_of(open_as({other.public_key, sample().key.public_key})).signer(), 1U);
  EXPECT_FALSE(value_of(open_as({})).signer());
  Entries unsigned_ones = good;
  std::erase_if(unsigned_ones, [](const auto& e) { return e.first == kSignatureName; });
  expect_error(open(unsigned_ones), Kind::kRefused, "not signed");
  EXPECT_EQ(value_of(open(unsigned_ones, false)).manifest_signature(), "");
  // A manifest that is changed keeps no signature, were it only by a space.
  Entries spaced = good;
  content_of(spaced, kManifestName) += " ";
  expect_error(open(spaced), Kind::kRefused, "does not match");
  EXPECT_TRUE(open(spaced, false));
  // The signature is looked at before the manifest is.
  Entries broken = good;
  content_of(broken, kManifestName) = "{";
  expect_error(open(broken), Kind::kRefused, "does not match");
  expect_error(open(broken, false), Kind::kInvalid, "manifest: not JSON");
  expect_error(open(with_manifest([](Manifest& m) { m.version = 4; }, false)), Kind::kRefused,
               "does not match");
}

TEST_F(BundleTest, EntriesMissingOrUnknown) {
  const Entries good = test::read_zip(sample().path);
  for (size_t i = 0; i < good.size(); ++i) {
    if (good[i].first == kSignatureName) continue;
    Entries less = good;
    less.erase(less.begin() + static_cast<ptrdiff_t>(i));
    const auto opened = open(less);
    ASSERT_FALSE(opened) << good[i].first;
    EXPECT_THAT(opened.error().message, HasSubstr(good[i].first));
  }
  Entries more = good;
  more.emplace_back("head.onnx", "x");
  expect_error(open(more), Kind::kRefused, "entry 'head.onnx' is not in the manifest");
  more.back().first = "../../etc/passwd";
  expect_error(open(more), Kind::kRefused, "is not in the manifest");
  more.back().first = "labels.txt\n";
  expect_error(open(more), Kind::kRefused, "is not in the manifest");
}

TEST_F(BundleTest, EntriesAlteredOrSwapped) {
  const Entries good = test::read_zip(sample().path);
  const auto use = [&](const Bundle& bundle, const std::string& name) -> Result<> {
    const std::string segment = name.substr(0, 4);
    if (segment == "head" || segment == "body") {
      TRY_OK(bundle.segment(segment, sample().identities));
      return {};
    }
    TRY_OK(bundle.read(name));
    return {};
  };
  for (const auto& [name, content] : good) {
    if (name.starts_with("manifest")) continue;
    EXPECT_TRUE(use(value_of(open(good)), name)) << name;
    // Of another length: seen when it is opened.
    for (const std::string& other : {content + "x", content.substr(0, content.size() - 1)}) {
      Entries bad = good;
      content_of(bad, name) = other;
      expect_error(open(bad), Kind::kRefused, "bytes, the manifest says");
    }
    for (const size_t at : {size_t{0}, content.size() / 3, content.size() - 1}) {
      Entries bad = good;
      content_of(bad, name)[at] ^= 1;
      const Bundle bundle = value_of(open(bad));
      const auto used = use(bundle, name);
      ASSERT_FALSE(used) << name << " at " << at;
      EXPECT_THAT(used.error().message, HasSubstr("entry '" + name + "'"));
      expect_error(bundle.check(name), Kind::kRefused, "not what was signed");
    }
  }
}

// An entry of the right length in the place of another, by someone who can sign nothing.
TEST_F(BundleTest, APlainEntryInPlaceOfAnother) {
  Entries bad = test::read_zip(sample().path);
  std::string& labels = content_of(bad, "labels.txt");
  labels = std::string(labels.size(), 'x');
  expect_error(value_of(open(bad)).read("labels.txt"), Kind::kRefused, "not what was signed");
}

TEST_F(BundleTest, KeysOfOthers) {
  const Bundle bundle = value_of(sample().open());
  std::vector<age::Identity> other;
  other.push_back(value_of(age::Identity::generate()));
  expect_error(bundle.segment("head", other), Kind::kRefused,
               "entry 'head.onnx.age': no recipient of this file has the given key; recipients: 1 "
               "X25519");
  expect_error(bundle.segment("head", {}), Kind::kRefused, "no recipient");
  EXPECT_TRUE(bundle.segment("body", {}));
}

// A signer whose manifest does not say what is encrypted.
TEST_F(BundleTest, PlainDigestsAreChecked) {
  const auto wrong = [&](const std::string& part, const std::function<void(Entry&)>& change) {
    const Bundle bundle = value_of(open(with_manifest([&](Manifest& m) {
      for (Entry& entry : m.entries) {
        if (entry.name == "head.data.age") change(entry);
      }
    })));
    const auto segment = bundle.segment("head", sample().identities);
    ASSERT_FALSE(segment);
    EXPECT_THAT(segment.error().message, HasSubstr(part));
  };
  wrong("not what was signed", [](Entry& e) { e.plain_sha256 = std::string(64, '0'); });
  wrong("bytes, want", [](Entry& e) { ++*e.plain_bytes; });
  wrong("holds more than", [](Entry& e) { --*e.plain_bytes; });
  wrong("holds more than", [](Entry& e) { e.plain_bytes = 0; });
}

TEST_F(BundleTest, SizesThatAreLies) {
  expect_error(open(with_manifest([](Manifest& m) { m.entries[0].bytes = 1ULL << 50; })),
               Kind::kRefused, "bytes, the manifest says");
  expect_error(open(with_manifest([](Manifest& m) {
                 for (Entry& e : m.entries) {
                   if (e.plain_bytes) e.plain_bytes = 1ULL << 50;
                 }
               })),
               Kind::kInvalid, "plain bytes in");
}

TEST_F(BundleTest, ChangedWhileItIsOpen) {
  test::write_zip(path_, test::read_zip(sample().path));
  const Bundle bundle = value_of(Bundle::open(path_, {sample().key.public_key}, 0));
  // In place, so that it is the file that is open; in the middle of what no buffer holds.
  const std::string file = *read_file(path_);
  const Bytes weights = sample().graph.model.weights.at("w_a0").data();
  const size_t at = file.find(as_text(weights));
  ASSERT_NE(at, std::string::npos);
  {
    std::fstream out(path_, std::ios::in | std::ios::out | std::ios::binary);
    out.seekp(static_cast<std::streamoff>(at + weights.size() / 2));
    out << "zzzz";
  }
  expect_error(bundle.segment("body", {}), Kind::kRefused, "not what was signed");
  EXPECT_TRUE(bundle.segment("head", sample().identities));
}

TEST_F(BundleTest, TruncatedAtManyPlaces) {
  const std::string file = *read_file(sample().path);
  for (size_t size = 0; size < file.size(); size += 1 + file.size() / 300) {
    ASSERT_TRUE(write_file(path_, file.substr(0, size)));
    EXPECT_FALSE(Bundle::open(path_, {sample().key.public_key}, 0)) << size;
  }
}

}  // namespace
}  // namespace cloister::bundle
