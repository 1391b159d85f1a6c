/* <pthread.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_PTHREAD_H
#define VMGEN_SHIM_PTHREAD_H

#include <sys/types.h>
#include <sched.h>
#include <time.h>
#define PTHREAD_MUTEX_INITIALIZER { { 0 } }
#define PTHREAD_COND_INITIALIZER { { 0 } }
#define PTHREAD_RWLOCK_INITIALIZER { { 0 } }
#define PTHREAD_ONCE_INIT 0
#define PTHREAD_CREATE_JOINABLE 0
#define PTHREAD_CREATE_DETACHED 1
#define PTHREAD_MUTEX_NORMAL 0
#define PTHREAD_MUTEX_RECURSIVE 1
#define PTHREAD_MUTEX_ERRORCHECK 2
pthread_t pthread_self(void);

#endif
