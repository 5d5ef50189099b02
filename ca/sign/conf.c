/*
 * conf.c - the table of signd's settings. See conf.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/conf.h"

#include <string.h>

#include "base/text.h"

enum { PIN_HEX = 64 };

const struct conf_row signd_conf_rows[] = {
	DAEMON_CONF_ROWS(struct signd_conf, daemon),
	DAEMON_BUS_CONF_ROWS(struct signd_conf, bus),
	CONF_STRING(struct signd_conf, listen, "bus.listen", "ipc:///run/nuc/bus/sign/sock", 7, 120, CONF_REQUIRED,
		    "endpoint where this signer takes requests: ipc://PATH or tcp://ADDRESS:PORT"),
	CONF_STRING(struct signd_conf, tier, "signer.tier", "ca", 2, 4, CONF_REQUIRED,
		    "which keys this instance holds: ca (certificates, lists, journal) or ocsp (answers, heads of the "
		    "log)"),
	CONF_STRING_LIST(struct signd_conf, issuers, "signer.issuers", "rsa", 1, 16, CONF_REQUIRED,
			 "names of the issuers, as in profiles.conf"),
	CONF_STRING(struct signd_conf, ca_dir, "signer.ca_dir", "/var/lib/nuc/ca", 1, 1000, CONF_REQUIRED,
		    "folder of public certificates: ISSUER/issuing.pem and ISSUER/ocsp.pem"),
	CONF_STRING(struct signd_conf, keys_dir, "signer.keys_dir", "/var/lib/nuc/signer/keys", 1, 1000, CONF_REQUIRED,
		    "folder of this signer's private keys (0700)"),
	CONF_STRING(struct signd_conf, passphrase_file, "signer.passphrase_file", "", 0, 1000, 0,
		    "file whose first line opens encrypted key files; empty: they are not encrypted"),
	CONF_STRING(struct signd_conf, pkcs11_module, "signer.pkcs11_module", "", 0, 1000, 0,
		    "PKCS#11 module (shared object) of the issuers' keys; empty: they are files of signer.keys_dir"),
	CONF_STRING(struct signd_conf, pkcs11_token, "signer.pkcs11_token", "", 0, 32, 0,
		    "label of the token; its keys are called ISSUER.ca and ISSUER.ocsp"),
	CONF_STRING(struct signd_conf, pkcs11_pin_file, "signer.pkcs11_pin_file", "", 0, 1000, 0,
		    "file (0600) whose first line is the token's PIN"),
	CONF_STRING(struct signd_conf, pkcs11_folder, "signer.pkcs11_folder", "", 0, 1000, 0,
		    "folder that the module reads and writes while it works (SoftHSM: its tokens and softhsm2.conf); "
		    "empty: none"),
	CONF_STRING(struct signd_conf, journal, "signer.journal", "/var/lib/nuc/signer/journal", 1, 1000, CONF_REQUIRED,
		    "this signer's journal; made when it does not exist"),
	CONF_STRING(struct signd_conf, policy, "signer.policy", "/var/lib/nuc/signer/policy.der", 0, 1000,
		    CONF_REQUIRED,
		    "tier ca: file of the SignedPolicy that may take force at the start; later ones come over the bus"),
	CONF_STRING_LIST(
		struct signd_conf, administrators, "signer.administrators", "", 0, 16, CONF_REQUIRED,
		"tier ca: SHA-256 (hexadecimal) of the public keys that may sign the first Policy; two at least"),
	CONF_STRING(struct signd_conf, journal_key, "signer.journal_key", "", 0, 1000, CONF_REQUIRED,
		    "tier ocsp: file (PEM) of the public key by which the other tier's events are signed"),
	CONF_STRING(struct signd_conf, log_origin, "signer.log_origin", "nuc.local/log", 1, 128, 0,
		    "tier ocsp: origin of the log and name of its key"),
	CONF_INT64(struct signd_conf, crl_max_validity_s, "crl.max_validity_s", "864000", 60, 40000000, 0,
		   "longest time between thisUpdate and nextUpdate of a list, seconds"),
	CONF_INT64(struct signd_conf, crl_max_age_s, "crl.max_age_s", "3600", 60, 86400, 0,
		   "how far thisUpdate of a list may lie back when it is signed, seconds"),
	CONF_INT64(struct signd_conf, crl_order_grace_s, "crl.order_grace_s", "60", 1, 86400, 0,
		   "how long an accepted order may be left out of a new list, seconds"),
	CONF_INT64(struct signd_conf, ocsp_max_validity_s, "ocsp.max_validity_s", "864000", 60, 40000000, 0,
		   "longest time between thisUpdate and nextUpdate of an answer, seconds"),
	CONF_INT64(struct signd_conf, ocsp_max_age_s, "ocsp.max_age_s", "300", 1, 86400, 0,
		   "how far thisUpdate and producedAt of an answer may lie back when it is signed, seconds"),
};
const size_t signd_num_conf_rows = sizeof signd_conf_rows / sizeof signd_conf_rows[0];

bool signd_has_token(const struct signd_conf *conf)
{
	return conf->pkcs11_module[0] != '\0';
}

bool signd_is_ca(const struct signd_conf *conf)
{
	return strcmp(conf->tier, "ca") == 0;
}

static void check_ca(const struct signd_conf *conf, struct conf_problems *problems)
{
	if (conf->policy[0] == '\0')
		conf_problem(problems, "signer.policy", "the tier ca needs a Policy");
	if (conf->administrators.num < 2)
		conf_problem(problems, "signer.administrators",
			     "two administrators sign the first Policy, %zu are named", conf->administrators.num);
	for (size_t i = 0; i < conf->administrators.num; i++) {
		OWN(buf) pin = BUF_INIT(PIN_HEX);
		OWN(err) e = text_unhex(&pin, SLICE_STR(conf->administrators.items[i]));

		if (e != NULL || pin.len != PIN_HEX / 2)
			conf_problem(problems, "signer.administrators", "\"%s\" is not a SHA-256 in hexadecimal",
				     conf->administrators.items[i]);
	}
}

void signd_conf_check(const void *conf_of, struct conf_problems *problems)
{
	const struct signd_conf *conf = conf_of;

	if (strcmp(conf->tier, "ca") == 0)
		check_ca(conf, problems);
	else if (strcmp(conf->tier, "ocsp") != 0)
		conf_problem(problems, "signer.tier", "\"%s\" is neither ca nor ocsp", conf->tier);
	else if (conf->journal_key[0] == '\0')
		conf_problem(problems, "signer.journal_key", "the tier ocsp needs the other tier's public key");
	if (signd_has_token(conf) && conf->pkcs11_token[0] == '\0')
		conf_problem(problems, "signer.pkcs11_token", "a module needs the token's label");
	if (signd_has_token(conf) && conf->pkcs11_pin_file[0] == '\0')
		conf_problem(problems, "signer.pkcs11_pin_file", "a module needs the file of the PIN");
	for (size_t i = 0; i < conf->issuers.num; i++)
		if (strlen(conf->issuers.items[i]) == 0 || strlen(conf->issuers.items[i]) > 16)
			conf_problem(problems, "signer.issuers", "\"%s\": 1 to 16 letters", conf->issuers.items[i]);
}
