/* Makes one call of the C library fail, for fault_check.py:

       LD_PRELOAD=... FAIL_CALL=write FAIL_AT=3 FAIL_ERRNO=28 FAIL_LOG=FILE program

   Only calls on regular files, folders and paths count as read and write, so the runtime's pipes and sockets go on.
   FAIL_LOG gets a line for the call that failed and, at the end, a line `count CALL N` for each call. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include <dirent.h>

enum call {
    OPEN, CREATE, READ, WRITE, SYNC, RENAME, UNLINK, RMDIR, TRUNCATE, MKDIR, MMAP, THREAD, RANDOM, STAT, LOCK, OPENDIR, READDIR,
    COPY, MODE, SOCKET, DUP, CALLS
};
static const char *names[] = {
    "open", "create", "read", "write", "sync", "rename", "unlink", "rmdir", "truncate", "mkdir", "mmap", "thread", "random", "stat",
    "lock", "opendir", "readdir", "copy", "mode", "socket", "dup"
};
static atomic_int counts[CALLS];
static int failing = -1, at, error;
static const char *record;

/* By the system call itself, so that it is not counted. */
static void say(const char *text) {
    int file = record ? syscall(SYS_openat, AT_FDCWD, record, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666) : -1;
    if (file >= 0) {
        syscall(SYS_write, file, text, strlen(text));
        syscall(SYS_close, file);
    }
}

__attribute__((constructor)) static void begin(void) {
    const char *call = getenv("FAIL_CALL"), *number = getenv("FAIL_AT"), *code = getenv("FAIL_ERRNO");
    record = getenv("FAIL_LOG");
    at = number ? atoi(number) : 0;
    error = code ? atoi(code) : EIO;
    for (int i = 0; call && i < CALLS; i++)
        if (!strcmp(call, names[i])) failing = i;
}

__attribute__((destructor)) static void end(void) {
    char text[64];
    for (int i = 0; i < CALLS; i++) {
        snprintf(text, sizeof text, "count %s %d\n", names[i], counts[i]);
        say(text);
    }
}

static int fails(int call, const char *what, int number) {
    if (atomic_fetch_add(&counts[call], 1) + 1 != at || call != failing) return 0;
    char text[4200], link[32], path[4096];
    if (!what) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", number);
        ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
        path[length < 0 ? 0 : length] = 0;
        what = path;
    }
    snprintf(text, sizeof text, "failed %s %s\n", names[call], what);
    say(text);
    errno = error;
    return 1;
}

static int is_regular(int file) {
    struct stat found;
    int kept = errno;
    int is = !syscall(SYS_fstat, file, &found) && S_ISREG(found.st_mode);
    errno = kept;
    return is;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define MODE_OF(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }
#define PATH_CALL(result, name, call, parameters, arguments, path) \
    result name parameters { return fails(call, path, 0) ? -1 : NEXT(name) arguments; }
#define FILE_CALL(result, name, call, parameters, arguments, file) \
    result name parameters { return is_regular(file) && fails(call, NULL, file) ? -1 : NEXT(name) arguments; }
#define ANY_CALL(result, name, call, parameters, arguments, file) \
    result name parameters { return fails(call, NULL, file) ? -1 : NEXT(name) arguments; }

int open64(const char *path, int flags, ...) {
    MODE_OF(flags)
    return fails(flags & O_CREAT ? CREATE : OPEN, path, 0) ? -1 : NEXT(open64)(path, flags, mode);
}
int open(const char *path, int flags, ...) {
    MODE_OF(flags)
    return fails(flags & O_CREAT ? CREATE : OPEN, path, 0) ? -1 : NEXT(open)(path, flags, mode);
}
int openat64(int folder, const char *path, int flags, ...) {
    MODE_OF(flags)
    return fails(flags & O_CREAT ? CREATE : OPEN, path, 0) ? -1 : NEXT(openat64)(folder, path, flags, mode);
}
FILE_CALL(ssize_t, read, READ, (int file, void *to, size_t size), (file, to, size), file)
FILE_CALL(ssize_t, readv, READ, (int file, const struct iovec *to, int n), (file, to, n), file)
FILE_CALL(ssize_t, pread64, READ, (int file, void *to, size_t size, off64_t from), (file, to, size, from), file)
FILE_CALL(ssize_t, write, WRITE, (int file, const void *data, size_t size), (file, data, size), file)
FILE_CALL(ssize_t, writev, WRITE, (int file, const struct iovec *data, int n), (file, data, n), file)
FILE_CALL(ssize_t, pwrite64, WRITE, (int file, const void *data, size_t size, off64_t to), (file, data, size, to), file)
ANY_CALL(int, fsync, SYNC, (int file), (file), file)
ANY_CALL(int, fdatasync, SYNC, (int file), (file), file)
PATH_CALL(int, rename, RENAME, (const char *from, const char *to), (from, to), to)
PATH_CALL(int, unlink, UNLINK, (const char *path), (path), path)
PATH_CALL(int, unlinkat, UNLINK, (int folder, const char *path, int flags), (folder, path, flags), path)
PATH_CALL(int, rmdir, RMDIR, (const char *path), (path), path)
ANY_CALL(int, ftruncate64, TRUNCATE, (int file, off64_t size), (file, size), file)
PATH_CALL(int, mkdir, MKDIR, (const char *path, mode_t mode), (path, mode), path)
ANY_CALL(int, flock, LOCK, (int file, int what), (file, what), file)
PATH_CALL(int, stat64, STAT, (const char *path, struct stat64 *to), (path, to), path)
PATH_CALL(int, lstat64, STAT, (const char *path, struct stat64 *to), (path, to), path)
PATH_CALL(int, statx, STAT, (int folder, const char *path, int flags, unsigned mask, struct statx *to),
          (folder, path, flags, mask, to), path)
ANY_CALL(int, fchmod, MODE, (int file, mode_t mode), (file, mode), file)
ANY_CALL(int, fchown, MODE, (int file, uid_t user, gid_t group), (file, user, group), file)
PATH_CALL(ssize_t, getrandom, RANDOM, (void *to, size_t size, unsigned flags), (to, size, flags), "")
PATH_CALL(int, socket, SOCKET, (int family, int kind, int protocol), (family, kind, protocol), "")
FILE_CALL(ssize_t, copy_file_range, COPY,
          (int from, off64_t *at_from, int to, off64_t *at_to, size_t size, unsigned flags),
          (from, at_from, to, at_to, size, flags), to)

DIR *opendir(const char *path) { return fails(OPENDIR, path, 0) ? NULL : NEXT(opendir)(path); }
DIR *fdopendir(int file) { return fails(OPENDIR, NULL, file) ? NULL : NEXT(fdopendir)(file); }
struct dirent64 *readdir64(DIR *folder) { return fails(READDIR, NULL, dirfd(folder)) ? NULL : NEXT(readdir64)(folder); }
int fcntl64(int file, int what, ...) {
    va_list rest;
    va_start(rest, what);
    void *more = va_arg(rest, void *);
    va_end(rest);
    return what == F_DUPFD_CLOEXEC && fails(DUP, NULL, file) ? -1 : NEXT(fcntl64)(file, what, more);
}
int fcntl(int file, int what, ...) {
    va_list rest;
    va_start(rest, what);
    void *more = va_arg(rest, void *);
    va_end(rest);
    return what == F_DUPFD_CLOEXEC && fails(DUP, NULL, file) ? -1 : NEXT(fcntl)(file, what, more);
}
/* Memory without a file is the allocator's: when that fails, the runtime aborts, as is its right. */
void *mmap64(void *address, size_t size, int access, int flags, int file, off64_t from) {
    return file >= 0 && fails(MMAP, NULL, file) ? MAP_FAILED : NEXT(mmap64)(address, size, access, flags, file, from);
}
int pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*run)(void *), void *with) {
    return fails(THREAD, "", 0) ? EAGAIN : NEXT(pthread_create)(thread, how, run, with);
}
