/*
 * msg_ocsp.h - bodies between ocspd and signd-ocsp: ResponseData to sign, in batches. How bodies work: msg_common.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BUS_MSG_OCSP_H
#define COMMON_BUS_MSG_OCSP_H

#include "bus/msg_common.h"

struct msg_sign_ocsp_item {
	struct slice issuer; /* issuer name: its delegated responder's key signs */
	struct slice tbs; /* ResponseData DER (RFC 6960 §4.2.1) */
};

/* SignOcsp: MSG_SIGN_OCSP. */
struct msg_sign_ocsp {
	struct msg_sign_ocsp_item *items;
	size_t num_items;
	struct msg_mem *mem;
};
MSG_BODY(msg_sign_ocsp)

struct msg_sign_ocsp_result {
	int64_t status; /* enum msg_item_status of msg_sign.h */
	struct slice signature;
	struct slice reason; /* refusal code word */
};

/* SignOcspOk: MSG_SIGN_OCSP_OK, results in the order of the items. */
struct msg_sign_ocsp_ok {
	struct msg_sign_ocsp_result *items;
	size_t num_items;
	struct msg_mem *mem;
};
MSG_BODY(msg_sign_ocsp_ok)

#endif
