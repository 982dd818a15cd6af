// Fails one call of a program's to the system or the allocator, for LD_PRELOAD on Linux with glibc.
//
//   FAULT_CALL=read FAULT_NUMBER=7 FAULT_ERRNO=5   the seventh read fails with EIO
//   FAULT_COUNTS=FILE                              at the end, how often each call was made
//
// Of the allocator's calls only those of FAULT_LARGE bytes or more are counted and failed (64 KiB by
// default), and not those by Swift's runtime, which ends the process when an object or array has no
// memory: no program in Swift can prevent that. Lantern asks mmap whether there is room for a large
// array first, and that call is failed. Calls under the name "c_malloc" are those of any size that C code makes: the
// program's own, which FAULT_RANGES tells apart, libpng, libjpeg and zlib.

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define CALLS(X)                                                                                  \
  X(open) X(read) X(pread) X(write) X(close) X(stat) X(lstat) X(fstat) X(access) X(mmap)          \
  X(opendir) X(readdir) X(realpath) X(mkdir) X(rename) X(link) X(unlink) X(fsync) X(ftruncate)    \
  X(fchmod) X(flock) X(fcntl) X(poll) X(pthread_create) X(malloc) X(calloc) X(realloc)            \
  X(posix_memalign) X(aligned_alloc) X(c_malloc)

enum call {
#define X(name) CALL_##name,
  CALLS(X)
#undef X
  COUNT
};

static const char *const names[COUNT] = {
#define X(name) #name,
    CALLS(X)
#undef X
};

static atomic_ulong counts[COUNT];
static int wanted = -1, wanted_errno;
static unsigned long wanted_number;
static size_t large = 65536;
static int is_ready, asks_who;
static struct { uintptr_t begin, end; } ranges[4096];
static size_t range_count;

static int find_base(struct dl_phdr_info *info, size_t size, void *base) {
  (void)size;
  *(uintptr_t *)base = info->dlpi_addr;
  return 1;  // the program comes first
}

// Where the program's own C code lies: a file of lines "BEGIN END", in order, from its base, in hex.
static void read_ranges(const char *path) {
  FILE *file = path ? fopen(path, "r") : NULL;
  uintptr_t base = 0, begin, end;
  if (!file) return;
  dl_iterate_phdr(find_base, &base);
  while (range_count < 4096 && fscanf(file, "%lx %lx", &begin, &end) == 2) {
    ranges[range_count].begin = base + begin;
    ranges[range_count++].end = base + end;
  }
  fclose(file);
}

__attribute__((constructor)) static void begin(void) {
  const char *call = getenv("FAULT_CALL"), *number = getenv("FAULT_NUMBER");
  const char *code = getenv("FAULT_ERRNO"), *bytes = getenv("FAULT_LARGE");
  for (int i = 0; call && i < COUNT; i++)
    if (!strcmp(call, names[i])) wanted = i;
  wanted_number = number ? strtoul(number, NULL, 10) : 0;
  wanted_errno = code ? atoi(code) : EIO;
  asks_who = wanted == CALL_c_malloc || getenv("FAULT_COUNTS");
  if (bytes) large = strtoul(bytes, NULL, 10);
  read_ranges(getenv("FAULT_RANGES"));
  is_ready = 1;
}

__attribute__((destructor)) static void end(void) {
  const char *path = getenv("FAULT_COUNTS");
  is_ready = 0;
  FILE *file = path ? fopen(path, "w") : NULL;
  if (!file) return;
  for (int i = 0; i < COUNT; i++) fprintf(file, "%s %lu\n", names[i], atomic_load(&counts[i]));
  fclose(file);
}

// Whether this call is the one; errno is then set.
static int fails(enum call call) {
  if (!is_ready || atomic_fetch_add(&counts[call], 1) + 1 != wanted_number || (int)call != wanted)
    return 0;
  errno = wanted_errno;
  return 1;
}

// Whether an address of the program lies in one of the ranges of FAULT_RANGES.
static int is_in_ranges(uintptr_t address) {
  size_t low = 0, high = range_count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (ranges[middle].end <= address) low = middle + 1;
    else high = middle;
  }
  return low < range_count && ranges[low].begin <= address;
}

enum code { CODE_OTHER, CODE_C, CODE_SWIFT_RUNTIME };

// Whose code an address lies in: dladdr tells of libraries, asked once for each page of code.
static enum code code_of(uintptr_t address) {
  if (is_in_ranges(address)) return CODE_C;
  static _Atomic uintptr_t known[4096];  // a page, and in its lowest bits the answer
  uintptr_t page = address & ~(uintptr_t)4095;
  _Atomic uintptr_t *place = &known[(address >> 12) & 4095];
  uintptr_t found = atomic_load(place);
  if ((found & ~(uintptr_t)4095) == page) return (enum code)(found & 3);
  Dl_info info;
  const char *path = dladdr((void *)address, &info) ? info.dli_fname : NULL;
  const char *slash = path ? strrchr(path, '/') : NULL;
  const char *name = slash ? slash + 1 : path ? path : "";
  enum code code = CODE_OTHER;
  if (!strncmp(name, "libpng", 6) || !strncmp(name, "libjpeg", 7) || !strncmp(name, "libz.", 5))
    code = CODE_C;
  if (!strncmp(name, "libswiftCore", 12)) code = CODE_SWIFT_RUNTIME;
  atomic_store(place, page | code);
  return code;
}

// Whether an allocation is the one, by its size and by who asks.
static int fails_allocation(enum call call, size_t bytes, void *caller) {
  if (!is_ready || (bytes < large && !asks_who)) return 0;
  static __thread int is_inside;
  if (is_inside) return 0;
  is_inside = 1;
  enum code code = code_of((uintptr_t)caller);
  is_inside = 0;
  if (bytes >= large && code != CODE_SWIFT_RUNTIME && fails(call)) return 1;
  return asks_who && code == CODE_C && fails(CALL_c_malloc);
}

#define REAL(type, name, ...)                                                                     \
  static type (*real)(__VA_ARGS__);                                                               \
  if (!real) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

#define WRAP(type, failed, call, name, parameters, arguments, ...)                                \
  type name parameters {                                                                          \
    REAL(type, name, __VA_ARGS__);                                                                \
    if (fails(CALL_##call)) return failed;                                                        \
    return real arguments;                                                                        \
  }

#define WRAP_OPEN(name)                                                                           \
  int name(const char *path, int flags, ...) {                                                    \
    REAL(int, name, const char *, int, ...);                                                      \
    va_list list;                                                                                 \
    va_start(list, flags);                                                                        \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;                       \
    va_end(list);                                                                                 \
    if (fails(CALL_open)) return -1;                                                              \
    return real(path, flags, mode);                                                               \
  }
WRAP_OPEN(open)
WRAP_OPEN(open64)

#define WRAP_FCNTL(name)                                                                          \
  int name(int file, int command, ...) {                                                          \
    REAL(int, name, int, int, ...);                                                               \
    va_list list;                                                                                 \
    va_start(list, command);                                                                      \
    void *argument = va_arg(list, void *);                                                        \
    va_end(list);                                                                                 \
    if (fails(CALL_fcntl)) return -1;                                                             \
    return real(file, command, argument);                                                         \
  }
WRAP_FCNTL(fcntl)
WRAP_FCNTL(fcntl64)

WRAP(ssize_t, -1, read, read, (int f, void *b, size_t n), (f, b, n), int, void *, size_t)
WRAP(ssize_t, -1, write, write, (int f, const void *b, size_t n), (f, b, n), int, const void *, size_t)
WRAP(ssize_t, -1, pread, pread, (int f, void *b, size_t n, off_t o), (f, b, n, o), int, void *, size_t, off_t)
WRAP(ssize_t, -1, pread, pread64, (int f, void *b, size_t n, off64_t o), (f, b, n, o), int, void *, size_t, off64_t)
WRAP(int, -1, stat, stat, (const char *restrict p, struct stat *restrict s), (p, s), const char *, struct stat *)
WRAP(int, -1, stat, stat64, (const char *restrict p, struct stat64 *restrict s), (p, s), const char *, struct stat64 *)
WRAP(int, -1, lstat, lstat, (const char *restrict p, struct stat *restrict s), (p, s), const char *, struct stat *)
WRAP(int, -1, lstat, lstat64, (const char *restrict p, struct stat64 *restrict s), (p, s), const char *, struct stat64 *)
WRAP(int, -1, fstat, fstat, (int f, struct stat *s), (f, s), int, struct stat *)
WRAP(int, -1, fstat, fstat64, (int f, struct stat64 *s), (f, s), int, struct stat64 *)
WRAP(int, -1, access, access, (const char *p, int m), (p, m), const char *, int)
WRAP(void *, MAP_FAILED, mmap, mmap, (void *a, size_t n, int p, int g, int f, off_t o), (a, n, p, g, f, o), void *, size_t, int, int, int, off_t)
WRAP(void *, MAP_FAILED, mmap, mmap64, (void *a, size_t n, int p, int g, int f, off64_t o), (a, n, p, g, f, o), void *, size_t, int, int, int, off64_t)
WRAP(DIR *, NULL, opendir, opendir, (const char *p), (p), const char *)
WRAP(struct dirent *, NULL, readdir, readdir, (DIR *d), (d), DIR *)
WRAP(struct dirent64 *, NULL, readdir, readdir64, (DIR *d), (d), DIR *)
WRAP(char *, NULL, realpath, realpath, (const char *restrict p, char *restrict b), (p, b), const char *, char *)
WRAP(int, -1, mkdir, mkdir, (const char *p, mode_t m), (p, m), const char *, mode_t)
WRAP(int, -1, rename, rename, (const char *a, const char *b), (a, b), const char *, const char *)
WRAP(int, -1, link, link, (const char *a, const char *b), (a, b), const char *, const char *)
WRAP(int, -1, unlink, unlink, (const char *p), (p), const char *)
WRAP(int, -1, fsync, fsync, (int f), (f), int)
WRAP(int, -1, ftruncate, ftruncate, (int f, off_t n), (f, n), int, off_t)
WRAP(int, -1, ftruncate, ftruncate64, (int f, off64_t n), (f, n), int, off64_t)
WRAP(int, -1, fchmod, fchmod, (int f, mode_t m), (f, m), int, mode_t)
WRAP(int, -1, flock, flock, (int f, int o), (f, o), int, int)
WRAP(int, -1, poll, poll, (struct pollfd *p, nfds_t n, int t), (p, n, t), struct pollfd *, nfds_t, int)
WRAP(int, wanted_errno, pthread_create, pthread_create,
     (pthread_t * restrict t, const pthread_attr_t *restrict a, void *(*f)(void *), void *restrict x),
     (t, a, f, x), pthread_t *, const pthread_attr_t *, void *(*)(void *), void *)

// A close that fails has closed the file all the same.
int close(int file) {
  REAL(int, close, int);
  int failed = fails(CALL_close), result = real(file);
  if (failed) errno = wanted_errno;
  return failed ? -1 : result;
}

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
#define CALLER __builtin_return_address(0)

void *malloc(size_t bytes) {
  return fails_allocation(CALL_malloc, bytes, CALLER) ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes) {
  size_t all = 0;
  if (__builtin_mul_overflow(count, bytes, &all)) all = SIZE_MAX;
  return fails_allocation(CALL_calloc, all, CALLER) ? NULL : __libc_calloc(count, bytes);
}

void *realloc(void *former, size_t bytes) {
  return fails_allocation(CALL_realloc, bytes, CALLER) ? NULL : __libc_realloc(former, bytes);
}

int posix_memalign(void **result, size_t alignment, size_t bytes) {
  if (fails_allocation(CALL_posix_memalign, bytes, CALLER)) return ENOMEM;
  *result = __libc_memalign(alignment, bytes);
  return *result ? 0 : ENOMEM;
}

void *aligned_alloc(size_t alignment, size_t bytes) {
  return fails_allocation(CALL_aligned_alloc, bytes, CALLER) ? NULL : __libc_memalign(alignment, bytes);
}
