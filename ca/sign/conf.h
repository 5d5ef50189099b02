/*
 * conf.h - settings of signd: one program, two trust tiers. config/signd-ca.conf and config/signd-ocsp.conf show every key.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_SIGN_CONF_H
#define CA_SIGN_CONF_H

#include "daemon/daemon.h"

struct signd_conf {
	struct daemon_conf daemon;
	struct daemon_bus_conf bus;
	char *listen;
	char *tier; /* "ca" or "ocsp" */
	struct conf_strings issuers;
	char *ca_dir;
	char *keys_dir;
	char *passphrase_file;
	char *pkcs11_module, *pkcs11_token, *pkcs11_pin_file, *pkcs11_folder;
	char *journal;
	char *policy;
	struct conf_strings administrators; /* hexadecimal SHA-256 of SubjectPublicKeyInfo */
	char *journal_key;
	char *log_origin;
	int64_t crl_max_validity_s, crl_max_age_s, crl_order_grace_s;
	int64_t ocsp_max_validity_s, ocsp_max_age_s;
};

extern const struct conf_row signd_conf_rows[];
extern const size_t signd_num_conf_rows;

/* signd_has_token() says whether the keys of the issuers are in a PKCS#11 token. */
bool signd_has_token(const struct signd_conf *conf);

/* signd_is_ca() says which tier it is. */
bool signd_is_ca(const struct signd_conf *conf);

/* signd_conf_check() finds what rows cannot say: settings that only one tier needs. */
void signd_conf_check(const void *conf, struct conf_problems *problems);

#endif
