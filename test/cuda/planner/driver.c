// A stand-in for the CUDA driver, libcuda.so.1, without a device. cuDNN's engines that are compiled at run time plan
// only where a driver can be opened and has the functions they look up; none of those is called while planning.
//
// The file given by -include lists these functions as STUB(name), with a definition of STUB to expand them.
#define _GNU_SOURCE
#include <dlfcn.h>

enum { kSuccess = 0, kNoDevice = 100, kNotFound = 500 };

int cuInit(unsigned flags) {
  (void)flags;
  return kSuccess;
}

int cuDriverGetVersion(int* version) {
  *version = 13000;
  return kSuccess;
}

int cuDeviceGetCount(int* count) {
  *count = 0;
  return kSuccess;
}

int cuGetErrorString(int error, const char** text) {
  (void)error;
  *text = "the stand-in for the CUDA driver has no device";
  return kSuccess;
}

int cuGetErrorName(int error, const char** name) {
  return cuGetErrorString(error, name);
}

// Finds a function of this library, whichever way it was loaded.
int cuGetProcAddress_v2(const char* name, void** function, int version, unsigned long long flags,
                        int* status) {
  (void)version;
  (void)flags;
  static void* self;
  if (self == 0) self = dlopen("libcuda.so.1", RTLD_NOW);
  *function = self == 0 ? 0 : dlsym(self, name);
  if (status != 0) *status = *function == 0;
  return *function == 0 ? kNotFound : kSuccess;
}

int cuGetProcAddress(const char* name, void** function, int version, unsigned long long flags) {
  return cuGetProcAddress_v2(name, function, version, flags, 0);
}
