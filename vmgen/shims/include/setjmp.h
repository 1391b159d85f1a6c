/* Jump buffers; CPUState holds one by value, so its size follows the x86-64 Linux ABI. */
#ifndef VMGEN_SHIM_SETJMP_H
#define VMGEN_SHIM_SETJMP_H

#include <bits/sigset.h>
struct __jmp_buf_tag {
    long int __jmpbuf[8];
    int __mask_was_saved;
    sigset_t __saved_mask;
};
typedef struct __jmp_buf_tag jmp_buf[1];
typedef struct __jmp_buf_tag sigjmp_buf[1];
int setjmp(jmp_buf);
int sigsetjmp(sigjmp_buf, int);
void longjmp(jmp_buf, int) __attribute__((__noreturn__));
void siglongjmp(sigjmp_buf, int) __attribute__((__noreturn__));

#endif
