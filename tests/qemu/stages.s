# Firmware of 64 KiB that goes through every mode of an x86, then reads a register of the APIC.
# It is seen at 0xf0000 and at the end of 4 GiB.
        .set    BASE, 0xf0000
        .code16
        .text
start:
        cli
        movw    $0x1000, %ax
        movw    %ax, %ds
        movw    $0x2000, %ax
        movw    %ax, %ss
        movl    $0x12348000, %esp
        movw    $7, %cx
again:  pushw   %cx
        movw    %cx, 0x10(,%ecx,2)
        popw    %bx
        addw    0x10(,%ecx,2), %bx
        loop    again
        lgdtl   %cs:gdtr - start
        movl    %cr0, %eax
        orl     $1, %eax
        movl    %eax, %cr0
        ljmpl   $8, $protected - start + BASE
        .code32
protected:
        movl    $0x10, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        movl    $0x7000, %esp
        movl    $19, %ecx               # where its busy bit can be set
copy:   movl    gdt - start + BASE(,%ecx,4), %eax
        movl    %eax, 0x5000(,%ecx,4)
        decl    %ecx
        jns     copy
        lgdtl   moved - start + BASE
        movl    $0x48, %eax
        movl    %eax, %fs
        movl    %fs:4, %ebx
        movl    $0x9007, 0x8000
        movl    $0xa007, 0x9000
        movl    $0x87, 0xa000
        movl    $0xfee00097, 0xa008     # the local APIC
        movl    %cr4, %eax
        orl     $0x620, %eax
        movl    %eax, %cr4
        movl    $0x8000, %eax
        movl    %eax, %cr3
        movl    $0xc0000080, %ecx
        rdmsr
        orl     $0x101, %eax
        wrmsr
        movl    %cr0, %eax
        orl     $0x80000022, %eax
        movl    %eax, %cr0
        ljmpl   $0x18, $long - start + BASE
        .code64
long:
        xorl    %eax, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        movq    $0x7000, %rsp
        movl    $0x38, %eax
        ltr     %ax
        movl    $0xc0000081, %ecx       # STAR
        xorl    %eax, %eax
        movl    $0x00230018, %edx
        wrmsr
        movl    $0xc0000082, %ecx       # LSTAR
        movl    $called - start + BASE, %eax
        xorl    %edx, %edx
        wrmsr
        movl    $0xc0000102, %ecx       # KERNEL_GS_BASE
        movl    $0x3000, %eax
        wrmsr
        fninit
        fldpi
        fld1
        faddp
        fldl2t
        movl    $3, %ecx
floats: cvtsi2sdl %ecx, %xmm1
        addsd   %xmm1, %xmm9
        sqrtsd  %xmm9, %xmm2
        movdqu  %xmm2, 0x3010
        loop    floats
        pushq   $0x2b
        pushq   $0x6000
        pushfq
        pushq   $0x33
        pushq   $user - start + BASE
        iretq
user:
        movq    $0x1122334455667788, %rbx
        movl    $5, %edi
calls:  imulq   %rdi, %rbx
        pushq   %rbx
        movl    %edi, %eax
        syscall
        popq    %r9
        xorq    %r9, %r12
        decl    %edi
        jnz     calls
        movl    $0xff, %eax
        syscall
called:
        swapgs
        addq    %rax, %gs:0x20
        cmpl    $0xff, %eax
        je      last
        swapgs
        sysretq
last:
        movl    0x200020, %eax
        jmp     .
        .balign 8
gdt:    .quad   0
        .quad   0x00cf9b000000ffff      # 8: code of 32 bits
        .quad   0x00cf93000000ffff      # 0x10: data
        .quad   0x00af9b000000ffff      # 0x18: code of 64 bits
        .quad   0x00cf93000000ffff      # 0x20: data behind it, for syscall
        .quad   0x00cff3000000ffff      # 0x28: data of a user, before the code, for sysret
        .quad   0x00affb000000ffff      # 0x30: code of a user
        .quad   0x0000890040000067      # 0x38: a task state of 64 bits, which has two entries
        .quad   0
        .quad   0x0000f31234000fff      # 0x48: 4 KiB of bytes at 0x1234
gdtr:   .word   10 * 8 - 1
        .long   gdt - start + BASE
moved:  .word   10 * 8 - 1
        .long   0x5000
        .org    0xfff0
        .code16
        jmp     start
        .org    0x10000
