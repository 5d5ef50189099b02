/*
 * http_test.c - which paths are files, and which are not, whatever somebody writes.
 */
#include <string.h>

#include "crl/http.h"
#include "support/suite.h"

START_TEST(files)
{
	static const struct {
		const char *path, *file, *type;
	} cases[] = {
		{ "/nca_rsa.crl", "nca_rsa.crl", "application/pkix-crl" },
		{ "/nca_d_rsa.crl", "nca_d_rsa.crl", "application/pkix-crl" },
		{ "/root_rsa.crl", "root_rsa.crl", "application/pkix-crl" },
		{ "/archive/nca_rsa.17.crl", "archive/nca_rsa.17.crl", "application/pkix-crl" },
		{ "/cert/nca_rsa.cer", "cert/nca_rsa.cer", "application/pkix-cert" },
		{ "/log/checkpoint", "log/checkpoint", "text/plain; charset=utf-8" },
		{ "/log/tile/0/000", "log/tile/0/000", "application/octet-stream" },
		{ "/log/tile/1/x001/234.p/17", "log/tile/1/x001/234.p/17", "application/octet-stream" },
	};
	struct crl_http_file file;

	for (int i = 0; i < COUNT_OF(cases); i++) {
		ck_assert_msg(crl_http_route(&file, SLICE_STR(cases[i].path)), "%s", cases[i].path);
		ck_assert_str_eq(file.path, cases[i].file);
		ck_assert_str_eq(file.content_type, cases[i].type);
		ck_assert_ptr_nonnull(strstr(file.headers, "Cache-Control: "));
	}
}
END_TEST

START_TEST(nothing_else)
{
	static const char *const paths[] = {
		"",
		"/",
		"nca_rsa.crl",
		"/.nca_rsa.17.tmp",
		"/.crl",
		"/archive/.crl",
		"/archive/.nca_rsa.17.crl",
		"/archive",
		"/archive/",
		"/archive/../nca_rsa.crl",
		"/cert/../../etc/passwd.cer",
		"/../x.crl",
		"/a/b.crl",
		"/nca_rsa.crl/",
		"//nca_rsa.crl",
		"/nca%5frsa.crl",
		"/nca rsa.crl",
		"/nca_rsa.cer",
		"/cert/nca_rsa.crl",
		"/log/",
		"/log/checkpoint2",
		"/log/tile/0/0",
		"/log/tile/../checkpoint",
		"/log/.checkpoint",
		"/archive/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.crl"
	};
	struct crl_http_file file;

	for (int i = 0; i < COUNT_OF(paths); i++)
		ck_assert_msg(!crl_http_route(&file, SLICE_STR(paths[i])), "%s is served", paths[i]);
	ck_assert(!crl_http_route(&file, SLICE("/a\0.crl", 7)));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("crl/http");
	TCase *c = tcase_create("http");

	tcase_add_test(c, files);
	tcase_add_test(c, nothing_else);
	suite_add_tcase(s, c);
	return suite_main(s);
}
