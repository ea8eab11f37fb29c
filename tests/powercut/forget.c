/* A file layer that keeps a journal of what was flushed and what was not, so that a power cut can be played.
 *
 *   LD_PRELOAD=forget.so FORGET_FOLDER=/folder FORGET_JOURNAL=/elsewhere/journal program …
 *
 * Whatever the program does to files below FORGET_FOLDER happens at once, and is also appended to the journal: writes with
 * their bytes, truncations, new names, renames, removals, and which of these a flush has covered. Nothing is really flushed:
 * the journal is what counts. It survives SIGKILL, because the kernel has it; run.py makes of it what a disk could hold after
 * a power cut. Memory that is mapped (SQLite's -shm) is not kept: SQLite builds it anew.
 *
 * A record is a header of seven 64-bit numbers, little-endian as this machine is, then `length` bytes:
 *   kind, number of the record, file, offset, length, extra, 0x21746f6772_6f66 ("forgot!")
 * A file is numbered by its name at its opening; the record OPEN has the name.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OPEN = 1, CREATED, WRITE, TRUNCATE, SYNC, RENAME, UNLINK, SYNC_FOLDER, MAPPED };
#define MAGIC 0x21746f67726f66ULL
#define MOST_FDS 65536
#define MOST_FILES 4096

struct header {
  uint64_t kind, number, file, offset, length, extra, magic;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char folder[PATH_MAX];
static size_t folder_length;
static int journal = -1;
static uint64_t records;
static char *names[MOST_FILES]; /* file -> its name below the folder */
static uint64_t files = 1;      /* 0 is none */
static uint32_t file_of[MOST_FDS];
static uint8_t is_folder[MOST_FDS];

#define REAL(type, name, ...) \
  static type (*real_##name)(__VA_ARGS__); \
  if (!real_##name) *(void **)&real_##name = dlsym(RTLD_NEXT, #name)

static void die(const char *why) {
  /* A layer that goes on without its journal would prove nothing. */
  static const char begin[] = "forget.so: ";
  if (write(2, begin, sizeof begin - 1) < 0 || write(2, why, strlen(why)) < 0 || write(2, "\n", 1) < 0) _exit(97);
  _exit(97);
}

static ssize_t plain_write(int fd, const void *bytes, size_t length) {
  REAL(ssize_t, write, int, const void *, size_t);
  return real_write(fd, bytes, length);
}

__attribute__((constructor)) static void begin(void) {
  const char *named = getenv("FORGET_FOLDER"), *to = getenv("FORGET_JOURNAL");
  if (!named || !to) return;
  if (!realpath(named, folder)) die("FORGET_FOLDER is not there");
  folder_length = strlen(folder);
  REAL(int, open, const char *, int, ...);
  int fd = real_open(to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) die("FORGET_JOURNAL cannot be opened");
  /* Out of the way of whoever closes low numbers. */
  journal = fcntl(fd, F_DUPFD_CLOEXEC, 900);
  if (journal < 0) journal = fd; else close(fd);
}

/* Called with the lock. Header and bytes go in one call each; run.py stops at a record that was cut off. */
static uint64_t record(uint64_t kind, uint64_t file, uint64_t offset, uint64_t extra, const void *bytes, uint64_t length) {
  struct header h = {kind, ++records, file, offset, length, extra, MAGIC};
  struct iovec parts[2] = {{&h, sizeof h}, {(void *)bytes, length}};
  REAL(ssize_t, writev, int, const struct iovec *, int);
  ssize_t want = (ssize_t)(sizeof h + length);
  if (real_writev(journal, parts, length ? 2 : 1) != want) die("the journal cannot be written (disk full?)");
  return h.number;
}

/* The name below the folder, or NULL. `path` may not be there yet: its folder must. */
static const char *below(const char *path, char *whole) {
  if (journal < 0 || !path) return NULL;
  char copy[PATH_MAX];
  if (strlen(path) >= sizeof copy) return NULL;
  strcpy(copy, path);
  char *slash = strrchr(copy, '/');
  const char *last = slash ? slash + 1 : copy;
  char parent[PATH_MAX];
  if (slash == copy) strcpy(parent, "/");
  else if (slash) { *slash = 0; if (!realpath(copy, parent)) return NULL; }
  else if (!getcwd(parent, sizeof parent)) return NULL;
  if (strncmp(parent, folder, folder_length) || (parent[folder_length] && parent[folder_length] != '/')) return NULL;
  if (snprintf(whole, PATH_MAX, "%s/%s", parent, last) >= PATH_MAX) return NULL;
  return whole + folder_length + 1;
}

static uint32_t file_named(const char *name) {
  for (uint64_t i = files - 1; i > 0; i--)
    if (names[i] && !strcmp(names[i], name)) return i;
  if (files >= MOST_FILES) die("too many files");
  names[files] = strdup(name);
  record(OPEN, files, 0, 0, name, strlen(name));
  return files++;
}

/* A name that is given to another file, or to none, no longer stands for this one. */
static void forget_name(const char *name) {
  for (uint64_t i = 1; i < files; i++)
    if (names[i] && !strcmp(names[i], name)) { free(names[i]); names[i] = NULL; }
}

static int opened(int fd, const char *path, int flags, int was_there) {
  char whole[PATH_MAX];
  struct stat s;
  if (fd < 0 || journal < 0) return fd;
  if (fd >= MOST_FDS) die("too many descriptors");
  int kept = errno;
  char resolved[PATH_MAX];
  if (!fstat(fd, &s) && S_ISDIR(s.st_mode)) {
    if (realpath(path, resolved) && !strcmp(resolved, folder)) {
      pthread_mutex_lock(&lock);
      is_folder[fd] = 1;
      pthread_mutex_unlock(&lock);
    }
  } else {
    const char *name = below(path, whole);
    if (name && S_ISREG(s.st_mode)) {
      pthread_mutex_lock(&lock);
      uint32_t file = file_named(name);
      file_of[fd] = file;
      if (!was_there && (flags & O_CREAT)) record(CREATED, file, 0, 0, name, strlen(name));
      if (was_there && (flags & O_TRUNC)) record(TRUNCATE, file, 0, 0, NULL, 0);
      pthread_mutex_unlock(&lock);
    }
  }
  errno = kept;
  return fd;
}

static int is_there(const char *path) {
  int kept = errno, there = faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
  errno = kept;
  return there;
}

#define OPENS(name) \
  int name(const char *path, int flags, ...) { \
    mode_t mode = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { va_list more; va_start(more, flags); mode = va_arg(more, mode_t); va_end(more); } \
    REAL(int, name, const char *, int, ...); \
    int was_there = is_there(path); \
    return opened(real_##name(path, flags, mode), path, flags, was_there); \
  }
OPENS(open)
OPENS(open64)

#define OPENS_AT(name) \
  int name(int at, const char *path, int flags, ...) { \
    mode_t mode = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { va_list more; va_start(more, flags); mode = va_arg(more, mode_t); va_end(more); } \
    REAL(int, name, int, const char *, int, ...); \
    int was_there = is_there(path); \
    int fd = real_##name(at, path, flags, mode); \
    return at == AT_FDCWD || path[0] == '/' ? opened(fd, path, flags, was_there) : fd; \
  }
OPENS_AT(openat)
OPENS_AT(openat64)

int close(int fd) {
  REAL(int, close, int);
  if (fd >= 0 && fd < MOST_FDS && (file_of[fd] || is_folder[fd])) {
    pthread_mutex_lock(&lock);
    file_of[fd] = is_folder[fd] = 0;
    pthread_mutex_unlock(&lock);
  }
  return real_close(fd);
}

static int ours(int fd) { return journal >= 0 && fd >= 0 && fd < MOST_FDS && file_of[fd]; }

/* A write that failed, or came short, is journalled as far as it came. */
#define WRITES_AT(name, offset_type) \
  ssize_t name(int fd, const void *bytes, size_t length, offset_type at) { \
    REAL(ssize_t, name, int, const void *, size_t, offset_type); \
    if (!ours(fd)) return real_##name(fd, bytes, length, at); \
    pthread_mutex_lock(&lock); \
    ssize_t done = real_##name(fd, bytes, length, at); \
    int kept = errno; \
    if (done > 0) record(WRITE, file_of[fd], at, 0, bytes, done); \
    pthread_mutex_unlock(&lock); \
    errno = kept; \
    return done; \
  }
WRITES_AT(pwrite, off_t)
WRITES_AT(pwrite64, off64_t)

ssize_t write(int fd, const void *bytes, size_t length) {
  if (!ours(fd)) return plain_write(fd, bytes, length);
  pthread_mutex_lock(&lock);
  off64_t at = lseek64(fd, 0, SEEK_CUR);
  ssize_t done = plain_write(fd, bytes, length);
  int kept = errno;
  if (done > 0) {
    if (fcntl(fd, F_GETFL) & O_APPEND) at = lseek64(fd, 0, SEEK_CUR) - done;
    record(WRITE, file_of[fd], at, 0, bytes, done);
  }
  pthread_mutex_unlock(&lock);
  errno = kept;
  return done;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  REAL(ssize_t, writev, int, const struct iovec *, int);
  if (ours(fd)) die("writev on a file below the folder is not known to this layer");
  return real_writev(fd, parts, count);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
  REAL(ssize_t, pwritev, int, const struct iovec *, int, off_t);
  if (ours(fd)) die("pwritev on a file below the folder is not known to this layer");
  return real_pwritev(fd, parts, count, at);
}

#define TRUNCATES(name, offset_type) \
  int name(int fd, offset_type length) { \
    REAL(int, name, int, offset_type); \
    if (!ours(fd)) return real_##name(fd, length); \
    pthread_mutex_lock(&lock); \
    int failed = real_##name(fd, length), kept = errno; \
    if (!failed) record(TRUNCATE, file_of[fd], length, 0, NULL, 0); \
    pthread_mutex_unlock(&lock); \
    errno = kept; \
    return failed; \
  }
TRUNCATES(ftruncate, off_t)
TRUNCATES(ftruncate64, off64_t)

static int allocates(int fd, off64_t at, off64_t length) {
  struct stat s;
  if (!fstat(fd, &s) && s.st_size < at + length) return ftruncate64(fd, at + length) ? errno : 0;
  return 0;
}
int posix_fallocate(int fd, off_t at, off_t length) {
  REAL(int, posix_fallocate, int, off_t, off_t);
  return ours(fd) ? allocates(fd, at, length) : real_posix_fallocate(fd, at, length);
}
int posix_fallocate64(int fd, off64_t at, off64_t length) {
  REAL(int, posix_fallocate64, int, off64_t, off64_t);
  return ours(fd) ? allocates(fd, at, length) : real_posix_fallocate64(fd, at, length);
}
int fallocate(int fd, int mode, off_t at, off_t length) {
  REAL(int, fallocate, int, int, off_t, off_t);
  if (ours(fd)) { errno = EOPNOTSUPP; return -1; }
  return real_fallocate(fd, mode, at, length);
}

/* What was done before a flush began is kept once the flush has ended: `extra` is the last record before its beginning.
 * FORGET_FLUSH_US lets a flush take as long as a disk's. */
static int flushes(int fd) {
  pthread_mutex_lock(&lock);
  uint64_t before = records;
  uint32_t file = file_of[fd];
  int of_folder = is_folder[fd];
  pthread_mutex_unlock(&lock);
  const char *takes = getenv("FORGET_FLUSH_US");
  if (takes) usleep(atoi(takes));
  pthread_mutex_lock(&lock);
  record(of_folder ? SYNC_FOLDER : SYNC, file, 0, before, NULL, 0);
  pthread_mutex_unlock(&lock);
  return 0;
}
#define FLUSHES(name) \
  int name(int fd) { \
    REAL(int, name, int); \
    int known = journal >= 0 && fd >= 0 && fd < MOST_FDS && (file_of[fd] || is_folder[fd]); \
    return known ? flushes(fd) : real_##name(fd); \
  }
FLUSHES(fsync)
FLUSHES(fdatasync)

int unlink(const char *path) {
  REAL(int, unlink, const char *);
  char whole[PATH_MAX];
  const char *name = below(path, whole);
  if (!name) return real_unlink(path);
  pthread_mutex_lock(&lock);
  uint32_t file = is_there(path) ? file_named(name) : 0;
  int failed = real_unlink(path), kept = errno;
  if (!failed) { record(UNLINK, file, 0, 0, name, strlen(name)); forget_name(name); }
  pthread_mutex_unlock(&lock);
  errno = kept;
  return failed;
}

int rename(const char *from, const char *to) {
  REAL(int, rename, const char *, const char *);
  char whole_from[PATH_MAX], whole_to[PATH_MAX], both[2 * PATH_MAX];
  const char *old = below(from, whole_from), *new = below(to, whole_to);
  if (!old && !new) return real_rename(from, to);
  if (!old || !new) die("a file was moved into or out of the folder");
  pthread_mutex_lock(&lock);
  uint32_t file = file_named(old);
  int failed = real_rename(from, to), kept = errno;
  if (!failed) {
    size_t length = snprintf(both, sizeof both, "%s%c%s", old, 0, new);
    record(RENAME, file, 0, 0, both, length);
    forget_name(new);
    free(names[file]);
    names[file] = strdup(new);
  }
  pthread_mutex_unlock(&lock);
  errno = kept;
  return failed;
}

/* Memory that is mapped for writing changes a file behind this layer's back: only -shm may. */
#define MAPS(name, offset_type) \
  void *name(void *where, size_t length, int allowed, int flags, int fd, offset_type at) { \
    REAL(void *, name, void *, size_t, int, int, int, offset_type); \
    if (ours(fd) && (allowed & PROT_WRITE) && (flags & MAP_SHARED)) { \
      pthread_mutex_lock(&lock); \
      record(MAPPED, file_of[fd], at, 0, NULL, 0); \
      pthread_mutex_unlock(&lock); \
    } \
    return real_##name(where, length, allowed, flags, fd, at); \
  }
MAPS(mmap, off_t)
MAPS(mmap64, off64_t)
