// Files that a test makes up as they are read and written, as kernels do theirs: mounted with FUSE
// for as long as the mount lives.
#pragma once

#define FUSE_USE_VERSION 31

#include <fuse.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "tests/support/temp_dir.h"

namespace cloister::test {

// What is in the files. Paths begin with a slash; results are 0, or an errno, negative. Called by
// one thread at a time.
class FileMaker {
 public:
  virtual ~FileMaker() = default;

  // S_IFDIR or S_IFREG, and permissions; 0: nothing there.
  virtual mode_t mode(const std::string& path) = 0;
  virtual int mkdir(const std::string&) { return -EPERM; }
  virtual int rmdir(const std::string&) { return -EPERM; }
  // Asked once for each time that a file is opened, at its first read.
  virtual int read(const std::string& path, std::string& content) = 0;
  // All that was written since the file was opened, after each write ...
  virtual int written(const std::string& path, const std::string& content) = 0;
  // ... and once it is closed, whose result nobody sees.
  virtual void closed(const std::string& path, const std::string& content) = 0;
};

class MadeUpFiles {
 public:
  // Keeps a reference to `maker`.
  explicit MadeUpFiles(FileMaker& maker) : maker_(maker) {
    fuse_operations operations{};
    operations.init = [](fuse_conn_info*, fuse_config* config) {
      config->attr_timeout = config->entry_timeout = config->negative_timeout = 0;
      return fuse_get_context()->private_data;
    };
    operations.getattr = getattr;
    operations.mkdir = [](const char* path, mode_t) {
      return guarded([&] { return self().mkdir(path); });
    };
    operations.rmdir = [](const char* path) { return guarded([&] { return self().rmdir(path); }); };
    operations.open = open;
    operations.read = read;
    operations.write = write;
    operations.flush = flush;
    operations.release = release;
    // Silent where it can't be mounted: error() says so.
    std::string name = "cloister-test";
    char* arguments[] = {name.data(), nullptr};
    fuse_args args = FUSE_ARGS_INIT(1, arguments);
    fuse_.reset(fuse_new(&args, &operations, sizeof(operations), this));
    fuse_opt_free_args(&args);
    if (!fuse_ || fuse_mount(fuse_.get(), folder_.path().c_str()) != 0) {
      error_ = "FUSE can't be mounted here: no /dev/fuse, or no right to";
      return;
    }
    thread_ = std::thread([this] { fuse_loop(fuse_.get()); });
  }
  ~MadeUpFiles() {
    if (!thread_.joinable()) return;
    fuse_exit(fuse_.get());
    fuse_unmount(fuse_.get());
    thread_.join();
  }
  MadeUpFiles(const MadeUpFiles&) = delete;
  MadeUpFiles& operator=(const MadeUpFiles&) = delete;

  const std::string& error() const { return error_; }
  const std::filesystem::path& path() const { return folder_.path(); }

 private:
  struct Open {
    std::string path;  // FUSE gives none once the file's folder is gone
    std::string content;
    bool was_read = false;
    bool was_written = false;
  };

  // A thread that ends here leaves whoever waits for it waiting, past any signal.
  template <typename F>
  static int guarded(const F& f) noexcept {
    try {
      return f();
    } catch (const std::exception& e) {
      ADD_FAILURE() << e.what();
      return -EIO;
    }
  }

  static MadeUpFiles& mount() {
    return *static_cast<MadeUpFiles*>(fuse_get_context()->private_data);
  }
  static FileMaker& self() { return mount().maker_; }
  static Open& opened(fuse_file_info* info) { return mount().open_.at(info->fh); }

  static int getattr(const char* path, struct stat* status, fuse_file_info*) {
    std::memset(status, 0, sizeof(*status));
    status->st_mode = self().mode(path);
    status->st_nlink = 1;
    return status->st_mode == 0 ? -ENOENT : 0;
  }

  static int open(const char* path, fuse_file_info* info) {
    const mode_t mode = self().mode(path);
    const int access = info->flags & O_ACCMODE;
    if (access != O_WRONLY && (mode & 0444) == 0) return -EACCES;
    if (access != O_RDONLY && (mode & 0222) == 0) return -EACCES;
    info->direct_io = 1;  // sizes are not known before
    info->fh = mount().next_++;
    mount().open_[info->fh].path = path;
    return 0;
  }

  static int read(const char*, char* out, size_t size, off_t offset, fuse_file_info* info) {
    Open& file = opened(info);
    if (!file.was_read) {
      const int result = guarded([&] { return self().read(file.path, file.content); });
      if (result < 0) return result;
      file.was_read = true;
    }
    if (static_cast<size_t>(offset) >= file.content.size()) return 0;
    return static_cast<int>(file.content.copy(out, size, static_cast<size_t>(offset)));
  }

  static int write(const char*, const char* in, size_t size, off_t offset, fuse_file_info* info) {
    Open& file = opened(info);
    std::string content = file.content;
    content.resize(std::max(content.size(), static_cast<size_t>(offset) + size));
    content.replace(static_cast<size_t>(offset), size, in, size);
    const int result = guarded([&] { return self().written(file.path, content); });
    if (result < 0) return result;
    file.content = content;
    file.was_written = true;
    return static_cast<int>(size);
  }

  // close() waits for this one, and not for release.
  static int flush(const char*, fuse_file_info* info) {
    Open& file = opened(info);
    if (!std::exchange(file.was_written, false)) return 0;
    return guarded([&] {
      self().closed(file.path, file.content);
      return 0;
    });
  }

  static int release(const char*, fuse_file_info* info) {
    mount().open_.erase(info->fh);
    return 0;
  }

  struct Destroy {
    void operator()(fuse* f) const { fuse_destroy(f); }
  };

  FileMaker& maker_;
  // The kernel may not say that a file was closed before the mount is gone.
  std::map<uint64_t, Open> open_;
  uint64_t next_ = 1;
  TempDir folder_;
  std::unique_ptr<fuse, Destroy> fuse_;
  std::thread thread_;
  std::string error_;
};

}  // namespace cloister::test
