/*
 * serial.h - serial numbers of new certificates: 20 octets of chance, the first one 0x10..0x7F as NUC has it.
 *
 * RFC 5280 §4.1.2.2: positive, at most 20 octets. 158 random bits; that none is used twice is the ledger's constraint.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_ISSUE_SERIAL_H
#define CA_ISSUE_SERIAL_H

#include "asn1/serial.h"

/* issue_serial_random() draws a serial number. *Errors* SYSTEM: no random numbers. */
struct err *issue_serial_random(struct serial *out) ERR_MUST_USE;

#endif
