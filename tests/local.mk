# Tests speak TAP (https://testanything.org): a case a line, in every language.
TEST_LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
TESTS_ENVIRONMENT = CMOCKA_MESSAGE_OUTPUT=TAP
