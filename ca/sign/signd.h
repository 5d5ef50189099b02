/*
 * signd.h - the program `signd`: a daemon of either tier, the key ceremony, keys of the bus.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_SIGN_SIGND_H
#define CA_SIGN_SIGND_H

/* signd_main() is the whole of main(). Returns the exit status. */
int signd_main(int argc, char **argv);

#endif
