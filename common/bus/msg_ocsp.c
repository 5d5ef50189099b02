/*
 * msg_ocsp.c - bodies between ocspd and signd-ocsp. See msg_ocsp.h, PROTOCOL.md "Bodies".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bus/msg_ocsp.h"

#include "bus/msg_body.h"

enum { ITEMS_MAX = 4096, RESPONSE_DATA_MAX = 16 * 1024 };

MSG_SHAPE(msg_sign_ocsp_item, MSG_TEXT(struct msg_sign_ocsp_item, issuer, 64),
	  MSG_OCTETS(struct msg_sign_ocsp_item, tbs, 1, RESPONSE_DATA_MAX))

MSG_BODY_DEFINE(msg_sign_ocsp, MSG_SIGN_OCSP,
		MSG_LIST(struct msg_sign_ocsp, items, num_items, ITEMS_MAX, struct msg_sign_ocsp_item,
			 msg_sign_ocsp_item_shape))

MSG_SHAPE(msg_sign_ocsp_result, MSG_ENUM(struct msg_sign_ocsp_result, status, 3),
	  MSG_OCTETS(struct msg_sign_ocsp_result, signature, 0, 4096),
	  MSG_TEXT(struct msg_sign_ocsp_result, reason, 64))

MSG_BODY_DEFINE(msg_sign_ocsp_ok, MSG_SIGN_OCSP_OK,
		MSG_LIST(struct msg_sign_ocsp_ok, items, num_items, ITEMS_MAX, struct msg_sign_ocsp_result,
			 msg_sign_ocsp_result_shape))
