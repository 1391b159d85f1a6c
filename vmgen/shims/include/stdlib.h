/* <stdlib.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_STDLIB_H
#define VMGEN_SHIM_STDLIB_H

#include <sys/types.h>
#define EXIT_SUCCESS 0
#define EXIT_FAILURE 1
#define RAND_MAX 0x7fffffff
typedef struct {
    int quot;
    int rem;
} div_t;
typedef struct {
    long int quot;
    long int rem;
} ldiv_t;
void *malloc(size_t);
void *calloc(size_t, size_t);
void *realloc(void *, size_t);
void free(void *);
void abort(void) __attribute__((__noreturn__));
void exit(int) __attribute__((__noreturn__));
int atexit(void (*)(void));
int atoi(const char *);
double strtod(const char *, char **);
long int strtol(const char *, char **, int);
unsigned long int strtoul(const char *, char **, int);
long long int strtoll(const char *, char **, int);
unsigned long long int strtoull(const char *, char **, int);
char *getenv(const char *);
void qsort(void *, size_t, size_t, int (*)(const void *, const void *));
void *bsearch(const void *, const void *, size_t, size_t, int (*)(const void *, const void *));
int abs(int);
long int labs(long int);
long long int llabs(long long int);
int rand(void);

#endif
