/* A filesystem that fails: preloaded into a process, it lets one operation below a folder fail.
 *
 * faulty_arm(folder, kind, nth, seen) begins; faulty_count() tells how many operations there were.
 * kind "ENOSPC": from the failing operation on, all that needs room fails. "EIO": this operation
 * alone. "short": a write takes only half of what it is given and the next one finds a full disk.
 * nth > 0: the nth operation fails. nth 0: the first operation fails whose label (its name, and its
 * path with every number as '#') is not a line of the file `seen` yet, to which it is added. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static char folder[PATH_MAX], kind[16], seen_path[PATH_MAX];
static long nth, count;
static int armed, full;
static char *seen;
static size_t seen_bytes;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *next(const char *name) { return dlsym(RTLD_NEXT, name); }

void faulty_arm(const char *where, const char *what, long number, const char *labels) {
    snprintf(folder, sizeof folder, "%s", where);
    snprintf(kind, sizeof kind, "%s", what);
    snprintf(seen_path, sizeof seen_path, "%s", labels ? labels : "");
    nth = number, count = 0, full = 0;
    if (!nth) {
        int file = syscall(SYS_openat, AT_FDCWD, seen_path, O_RDONLY | O_CREAT, 0644);
        seen_bytes = lseek(file, 0, SEEK_END);
        seen = calloc(1, seen_bytes + 2);
        if (pread(file, seen + 1, seen_bytes, 0) != (ssize_t)seen_bytes) abort();
        seen[0] = '\n';
        syscall(SYS_close, file);
    }
    armed = 1;
}

long faulty_count(void) { return count; }

static int inside(const char *path, char *absolute) {
    if (path[0] == '/') snprintf(absolute, PATH_MAX, "%s", path);
    else {
        char here[PATH_MAX / 2];
        if (!getcwd(here, sizeof here)) return 0;
        snprintf(absolute, PATH_MAX, "%s/%s", here, path);
    }
    return strncmp(absolute, folder, strlen(folder)) == 0;
}

static int is_new(const char *operation, const char *absolute) {
    char label[PATH_MAX + 32];
    size_t end = snprintf(label, sizeof label, "\n%s ", operation);
    for (const char *at = absolute + strlen(folder); *at && end < sizeof label - 2; at++) {
        int digit = strchr("0123456789", *at) != NULL;
        /* after ".tmp-" and the like comes what is random: letters of hex count as digits there */
        if (!digit && label[end - 1] == '#' && strchr("abcdef-", *at)) continue;
        if (!digit || label[end - 1] != '#') label[end++] = digit ? '#' : *at;
    }
    label[end++] = '\n', label[end] = 0;
    if (strstr(seen, label)) return 0;
    int file = syscall(SYS_openat, AT_FDCWD, seen_path, O_WRONLY | O_APPEND);
    if (syscall(SYS_write, file, label + 1, end - 1) < 0) abort();
    syscall(SYS_close, file);
    return 1;
}

/* 0: go on. 1: fail with errno. 2: take half. */
static int fault(const char *operation, const char *path, int needs_room) {
    char absolute[PATH_MAX];
    int before = errno, result = 0;
    if (!armed || !inside(path, absolute)) return errno = before, 0;
    pthread_mutex_lock(&lock);
    if (full) {
        if (needs_room) errno = ENOSPC, result = 1;
    } else if (nth >= 0) {
        count++;
        if (nth ? count == nth : is_new(operation, absolute)) {
            int writes = strstr(operation, "write") != NULL;
            if (!strcmp(kind, "EIO")) errno = EIO, result = 1, nth = -1;
            else if (!strcmp(kind, "short") && writes) full = 1, result = 2;
            else if (!strcmp(kind, "ENOSPC") && needs_room) errno = ENOSPC, full = 1, result = 1;
            else if (nth) nth = -1; /* an operation that this cannot befall */
        }
    }
    pthread_mutex_unlock(&lock);
    if (!result) errno = before;
    return result;
}

static int fault_fd(const char *operation, int file, int needs_room) {
    char link[32], path[PATH_MAX];
    if (!armed) return 0;
    int before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t size = readlink(link, path, sizeof path - 1);
    errno = before;
    if (size <= 0) return 0;
    path[size] = 0;
    return fault(operation, path, needs_room);
}

static int fault_at(const char *operation, int directory, const char *path, int needs_room) {
    char link[32], absolute[PATH_MAX];
    if (!armed) return 0;
    if (path[0] == '/' || directory == AT_FDCWD) return fault(operation, path, needs_room);
    int before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
    ssize_t size = readlink(link, absolute, PATH_MAX / 2);
    errno = before;
    if (size <= 0) return 0;
    snprintf(absolute + size, PATH_MAX - size, "/%s", path);
    return fault(operation, absolute, needs_room);
}

#define MODE(flags) ({ int mode_ = 0; if ((flags) & (O_CREAT | O_TMPFILE)) { va_list more; \
    va_start(more, flags); mode_ = va_arg(more, int); va_end(more); } mode_; })
#define OPEN(name) int name(const char *path, int flags, ...) { int mode = MODE(flags); \
    if (fault("open", path, flags & O_CREAT)) return -1; \
    return ((int (*)(const char *, int, ...))next(#name))(path, flags, mode); }
#define OPENAT(name) int name(int at, const char *path, int flags, ...) { int mode = MODE(flags); \
    if (fault_at("open", at, path, flags & O_CREAT)) return -1; \
    return ((int (*)(int, const char *, int, ...))next(#name))(at, path, flags, mode); }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

ssize_t write(int file, const void *data, size_t size) {
    int found = fault_fd("write", file, 1);
    if (found == 1) return -1;
    return syscall(SYS_write, file, data, found == 2 && size > 1 ? size / 2 : size);
}

#define PWRITE(name) ssize_t name(int file, const void *data, size_t size, off_t at) { \
    int found = fault_fd("pwrite", file, 1); if (found == 1) return -1; \
    return syscall(SYS_pwrite64, file, data, found == 2 && size > 1 ? size / 2 : size, at); }
PWRITE(pwrite)
PWRITE(pwrite64)

ssize_t writev(int file, const struct iovec *parts, int number) {
    int found = fault_fd("writev", file, 1);
    if (found == 1) return -1;
    return syscall(SYS_writev, file, parts, found == 2 ? 1 : number);
}

#define ON_FILE(name, room) int name(int file) { \
    if (fault_fd(#name, file, room)) return -1; return ((int (*)(int))next(#name))(file); }
ON_FILE(fsync, 1)
ON_FILE(fdatasync, 1)

int rename(const char *from, const char *to) {
    if (fault("rename", to, 0)) return -1;
    return ((int (*)(const char *, const char *))next("rename"))(from, to);
}
int renameat(int a, const char *from, int b, const char *to) {
    if (fault_at("rename", b, to, 0)) return -1;
    return ((int (*)(int, const char *, int, const char *))next("renameat"))(a, from, b, to);
}
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
    if (fault_at("rename", b, to, 0)) return -1;
    return syscall(SYS_renameat2, a, from, b, to, flags);
}
int mkdir(const char *path, mode_t mode) {
    if (fault("mkdir", path, 1)) return -1;
    return ((int (*)(const char *, mode_t))next("mkdir"))(path, mode);
}
int symlink(const char *target, const char *path) {
    if (fault("symlink", path, 1)) return -1;
    return ((int (*)(const char *, const char *))next("symlink"))(target, path);
}
#define TRUNCATE(name) int name(int file, off_t size) { \
    if (fault_fd("ftruncate", file, 1)) return -1; \
    return ((int (*)(int, off_t))next(#name))(file, size); }
TRUNCATE(ftruncate)
TRUNCATE(ftruncate64)
