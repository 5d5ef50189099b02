/*
 * reasons.h - every named reason for which this signer refuses, beside those of policy.h and authority.h: one list, from
 * which come the words in answers and logs and the rows of signd_refused_total{reason}.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_SIGN_REASONS_H
#define CA_SIGN_REASONS_H

/* X("word") Lists of revoked certificates (crl.h, lists.h). */
#define CRL_REASONS(X)                                                                                                 \
	X("crl_issuer")                                                                                                \
	X("crl_scope")                                                                                                 \
	X("crl_number")                                                                                                \
	X("crl_base")                                                                                                  \
	X("crl_time")                                                                                                  \
	X("crl_order_seq")                                                                                             \
	X("crl_length")                                                                                                \
	X("crl_head")                                                                                                  \
	X("crl_entry_form")                                                                                            \
	X("crl_entry_order")                                                                                           \
	X("crl_entry_unknown")                                                                                         \
	X("crl_entry_differs")                                                                                         \
	X("crl_entry_missing")                                                                                         \
	X("crl_tail")                                                                                                  \
	X("crl_not_begun")                                                                                             \
	X("crl_offset")

/* Answers of OCSP (ocsp.h). */
#define OCSP_REASONS(X)                                                                                                \
	X("ocsp_form")                                                                                                 \
	X("ocsp_issuer")                                                                                               \
	X("ocsp_responder")                                                                                            \
	X("ocsp_cert_id")                                                                                              \
	X("ocsp_time")                                                                                                 \
	X("ocsp_good_not_issued")                                                                                      \
	X("ocsp_good_but_revoked")                                                                                     \
	X("ocsp_revoked_not_ordered")                                                                                  \
	X("ocsp_revoked_differs")                                                                                      \
	X("ocsp_unknown_but_issued")                                                                                   \
	X("ocsp_extension")

/* Heads of the log, events of the other tier, and the signer as a whole. */
#define OTHER_REASONS(X)                                                                                               \
	X("oldSize")                                                                                                   \
	X("head_goes_back")                                                                                            \
	X("head_forks")                                                                                                \
	X("head_jumps")                                                                                                \
	X("head_proof")                                                                                                \
	X("events_signature")                                                                                          \
	X("events_order")                                                                                              \
	X("policy_refused")                                                                                            \
	X("clock_back")                                                                                                \
	X("journal")                                                                                                   \
	X("key")                                                                                                       \
	X("same_batch")                                                                                                \
	X("bad_input")                                                                                                 \
	X("too_large")                                                                                                 \
	X("denied")                                                                                                    \
	X("conflict")                                                                                                  \
	X("not_found")                                                                                                 \
	X("retry")                                                                                                     \
	X("timeout")                                                                                                   \
	X("system")                                                                                                    \
	X("other")

#endif
