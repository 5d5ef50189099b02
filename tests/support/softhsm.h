/*
 * softhsm.h - a SoftHSM2 token of the test's own in a temporary folder: what stands for an HSM in tests.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_SUPPORT_SOFTHSM_H
#define TESTS_SUPPORT_SOFTHSM_H

#include <stdbool.h>
#include <sys/types.h>

#define SOFTHSM_MODULE "/usr/lib/softhsm/libsofthsm2.so"
#define SOFTHSM_PIN    "4821"

struct softhsm {
	char folder[64];
	char tokens[128];
	char conf[128];
	char pin_file[128];
};

/* softhsm_is_installed() says whether module and softhsm2-util are there; tests end with 77 where they are not. */
bool softhsm_is_installed(void);

/* softhsm_create() makes a token of this label and sets SOFTHSM2_CONF for this process. Failures end the test. */
void softhsm_create(struct softhsm *out, const char *label);
void softhsm_destroy(struct softhsm *self);

/* softhsm_write_pin() writes another PIN file; its path into out. */
void softhsm_write_pin(const struct softhsm *self, char out[512], const char *pin, mode_t mode);

#endif
