/* <signal.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_SIGNAL_H
#define VMGEN_SHIM_SIGNAL_H

#include <sys/types.h>
#include <bits/sigset.h>
#include <bits/timespec.h>
typedef int sig_atomic_t;
typedef void (*sighandler_t)(int);
typedef union sigval {
    int sival_int;
    void *sival_ptr;
} sigval_t;
typedef struct siginfo_t {
    int si_signo;
    int si_errno;
    int si_code;
    int __pad0;
    union {
        int __pad[28];
        struct {
            int si_pid;
            unsigned int si_uid;
            int si_status;
            long int si_utime;
            long int si_stime;
        } __child;
        struct {
            int si_tid;
            int si_overrun;
            sigval_t si_sigval;
        } __timer;
        struct {
            void *si_addr;
            short int si_addr_lsb;
        } __fault;
        struct {
            long int si_band;
            int si_fd;
        } __poll;
    } __si;
} siginfo_t;
#define si_pid __si.__child.si_pid
#define si_uid __si.__child.si_uid
#define si_status __si.__child.si_status
#define si_addr __si.__fault.si_addr
#define si_addr_lsb __si.__fault.si_addr_lsb
#define si_value __si.__timer.si_sigval
#define si_band __si.__poll.si_band
#define si_fd __si.__poll.si_fd
struct sigaction {
    union {
        sighandler_t sa_handler;
        void (*sa_sigaction)(int, siginfo_t *, void *);
    } __sigaction_handler;
    sigset_t sa_mask;
    int sa_flags;
    void (*sa_restorer)(void);
};
#define sa_handler __sigaction_handler.sa_handler
#define sa_sigaction __sigaction_handler.sa_sigaction
struct sigevent {
    sigval_t sigev_value;
    int sigev_signo;
    int sigev_notify;
    union {
        int __pad[12];
        int __tid;
    } __sigev_un;
};
#define sigev_notify_thread_id __sigev_un.__tid
typedef struct {
    void *ss_sp;
    int ss_flags;
    size_t ss_size;
} stack_t;
#define SIGEV_SIGNAL 0
#define SIGEV_NONE 1
#define SIGEV_THREAD_ID 4
#define SA_NOCLDSTOP 1
#define SA_NOCLDWAIT 2
#define SA_SIGINFO 4
#define SA_ONSTACK 0x08000000
#define SA_RESTART 0x10000000
#define SA_NODEFER 0x40000000
#define SA_RESETHAND 0x80000000
#define SIG_BLOCK 0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2
#define SIG_DFL ((sighandler_t)0)
#define SIG_IGN ((sighandler_t)1)
#define SIG_ERR ((sighandler_t)-1)
#define BUS_ADRALN 1
#define BUS_ADRERR 2
#define BUS_OBJERR 3
#define BUS_MCEERR_AR 4
#define BUS_MCEERR_AO 5
#define SEGV_MAPERR 1
#define SEGV_ACCERR 2
#define SI_USER 0
#define SI_KERNEL 0x80
#define NSIG 65
#define _NSIG 65
#define SIGRTMIN 34
#define SIGRTMAX 64
#define SIGPOLL SIGIO
#define SIGHUP 1
#define SIGINT 2
#define SIGQUIT 3
#define SIGILL 4
#define SIGTRAP 5
#define SIGABRT 6
#define SIGBUS 7
#define SIGFPE 8
#define SIGKILL 9
#define SIGUSR1 10
#define SIGSEGV 11
#define SIGUSR2 12
#define SIGPIPE 13
#define SIGALRM 14
#define SIGTERM 15
#define SIGSTKFLT 16
#define SIGCHLD 17
#define SIGCONT 18
#define SIGSTOP 19
#define SIGTSTP 20
#define SIGTTIN 21
#define SIGTTOU 22
#define SIGURG 23
#define SIGXCPU 24
#define SIGXFSZ 25
#define SIGVTALRM 26
#define SIGPROF 27
#define SIGWINCH 28
#define SIGIO 29
#define SIGPWR 30
#define SIGSYS 31

#endif
