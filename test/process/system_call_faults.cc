// Makes system calls on files of one folder fail: LD_PRELOAD, with the folder in FAULT_FOLDER. FAULT says which, such as
// "write 3 5" for errno 5 from the third write on, once, or "write 3 short", which takes a single byte. A call that is hit
// sets FAULT to "done". Both may be set while the process runs; a new FAULT counts from 1.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>

namespace {

enum class Fault { kNone, kError, kShort };

std::array<std::atomic<bool>, 4096> watched{};

bool is_watched(int fd) {
  return fd >= 0 && fd < static_cast<int>(watched.size()) && watched[fd];
}

bool is_inside(const char* path) {
  const char* folder = std::getenv("FAULT_FOLDER");
  return folder != nullptr && std::strncmp(path, folder, std::strlen(folder)) == 0;
}

/// What happens to this call; sets errno where it is an error.
Fault next_fault(const char* call) {
  static std::mutex mutex;
  static std::string plan;
  static int count = 0;
  const std::lock_guard lock(mutex);
  const char* text = std::getenv("FAULT");
  if (text == nullptr) return Fault::kNone;
  if (plan != text) {
    plan = text;
    count = 0;
  }
  std::array<char, 16> name{};
  std::array<char, 16> kind{};
  int number = 0;
  if (std::sscanf(text, "%15s %d %15s", name.data(), &number, kind.data()) != 3) return Fault::kNone;
  if (std::strcmp(name.data(), call) != 0 || ++count != number) return Fault::kNone;
  setenv("FAULT", "done", 1);
  if (std::strcmp(kind.data(), "short") == 0) return Fault::kShort;
  errno = std::atoi(kind.data());
  return Fault::kError;
}

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

int open_watched(const char* path, int flags, mode_t mode) {
  const bool inside = is_inside(path);
  if (inside && next_fault("open") == Fault::kError) return -1;
  const int fd = real<int(const char*, int, ...)>("open")(path, flags, mode);
  if (fd >= 0 && fd < static_cast<int>(watched.size())) watched[fd] = inside;
  return fd;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = va_arg(arguments, mode_t);
  va_end(arguments);
  return open_watched(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = va_arg(arguments, mode_t);
  va_end(arguments);
  return open_watched(path, flags, mode);
}

ssize_t write(int fd, const void* bytes, size_t size) {
  const Fault fault = is_watched(fd) ? next_fault("write") : Fault::kNone;
  if (fault == Fault::kError) return -1;
  return real<ssize_t(int, const void*, size_t)>("write")(fd, bytes, fault == Fault::kShort ? 1 : size);
}

int fsync(int fd) {
  if (is_watched(fd) && next_fault("fsync") == Fault::kError) return -1;
  return real<int(int)>("fsync")(fd);
}

/// Node's library closes files by this function.
long syscall(long number, ...) {
  va_list arguments;
  va_start(arguments, number);
  std::array<long, 6> words{};
  for (long& word : words) word = va_arg(arguments, long);
  va_end(arguments);
  const int fd = static_cast<int>(words[0]);
  const bool fails = number == SYS_close && is_watched(fd) && next_fault("close") == Fault::kError;
  const int error = errno;
  if (number == SYS_close && fd >= 0 && fd < static_cast<int>(watched.size())) watched[fd] = false;
  // The system closes a file also where it says that it could not.
  const long result =
      real<long(long, ...)>("syscall")(number, words[0], words[1], words[2], words[3], words[4], words[5]);
  if (!fails) return result;
  errno = error;
  return -1;
}

int rename(const char* from, const char* to) {
  if (is_inside(to) && next_fault("rename") == Fault::kError) return -1;
  return real<int(const char*, const char*)>("rename")(from, to);
}

int unlink(const char* path) {
  if (is_inside(path) && next_fault("unlink") == Fault::kError) return -1;
  return real<int(const char*)>("unlink")(path);
}

}  // extern "C"
