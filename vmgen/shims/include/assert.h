/* assert() as a plain conditional expression, so that predicates stay readable. */
#ifndef VMGEN_SHIM_ASSERT_H
#define VMGEN_SHIM_ASSERT_H

void __assert_fail(const char *condition) __attribute__((__noreturn__));
#undef assert
#define assert(condition) ((condition) ? (void)0 : __assert_fail(#condition))
#define static_assert _Static_assert

#endif
