/* <getopt.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_GETOPT_H
#define VMGEN_SHIM_GETOPT_H

struct option {
    const char *name;
    int has_arg;
    int *flag;
    int val;
};
#define no_argument 0
#define required_argument 1
#define optional_argument 2
extern char *optarg;
extern int optind;
extern int opterr;
extern int optopt;

#endif
