/*
 * register.h - SIMULATOR of the state registers of persons and organisations (ГБД ФЛ, ГБД ЮЛ). Not the real thing.
 *
 * Every number with a right check digit is in the register, except those that begin with 000000. Names come from a
 * register file where it lists the number, else they are made up from the number, the same each time, and marked so.
 *
 * The register file is JSON: {"persons": [{"iin", "surname", "given", "patronymic"}],
 * "organisations": [{"bin", "name", "head"}]}.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DEPLOY_SIMULATORS_REGISTER_H
#define DEPLOY_SIMULATORS_REGISTER_H

#include "ra/cli/client.h"

/* register_load() reads a register file; NULL gives an empty one. *Owns* the result: the caller.
 * *Errors* BAD_INPUT, NOT_FOUND. */
struct err *register_load(json_t **out, const char *path) ERR_MUST_USE;

/* register_person() and register_organisation() make the answer: iin, surname, given, patronymic, made_up; bin, name, head,
 * made_up. *Owns* the result: the caller. *Errors* BAD_INPUT (no such number can be), NOT_FOUND. */
struct err *register_person(json_t **out, const json_t *file, const char *iin) ERR_MUST_USE;
struct err *register_organisation(json_t **out, const json_t *file, const char *bin) ERR_MUST_USE;

#endif
