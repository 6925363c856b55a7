/* Asks a person at the terminal; what is typed in secret is not echoed and not kept. */
#include "config.h"
#include "pkcs11/key/prompt.h"
#include "pkcs11/key/guard.h"
#include "pkcs11/key/show.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define QUESTION_MAX 320

static const int stopping_signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
#define SIGNALS (sizeof stopping_signals / sizeof stopping_signals[0])

static volatile sig_atomic_t caught;

static void catch (int number)
{
    caught = number;
}

/* Signals that are ignored stay so. */
static void catch_signals(struct sigaction before[static SIGNALS])
{
    const struct sigaction catching = {.sa_handler = catch};
    caught = 0;
    for (size_t i = 0; i < SIGNALS; i++) {
        sigaction(stopping_signals[i], NULL, &before[i]);
        if (before[i].sa_handler != SIG_IGN)
            sigaction(stopping_signals[i], &catching, NULL);
    }
}

static void let_signals_go(const struct sigaction before[static SIGNALS])
{
    for (size_t i = 0; i < SIGNALS; i++)
        sigaction(stopping_signals[i], &before[i], NULL);
    if (caught)
        raise(caught);
}

/* Without echo, and without suspending: a stopped process would leave the shell without echo. */
static int silence(int tty, struct termios *ret_before)
{
    struct termios quiet;
    if (tcgetattr(tty, &quiet) < 0)
        return -errno;
    *ret_before = quiet;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    quiet.c_lflag |= ICANON | ISIG;
    quiet.c_cc[VSUSP] = _POSIX_VDISABLE;
    return tcsetattr(tty, TCSAFLUSH, &quiet) < 0 ? -errno : 0;
}

static int write_all(int fd, const char *text)
{
    size_t length = strlen(text);
    return write(fd, text, length) == (ssize_t)length ? 0 : -EIO;
}

/* The terminal hands over a line at a time. The end of input ends it as well. Signals come
 * through while we wait, at no other time. */
static int read_line(int tty, const sigset_t *let_through, struct secret *ret_secret)
{
    _cleanup_secret_ struct secret line = {0};
    if (secret_reserve(&line, PROMPT_LINE_MAX + 1) < 0)
        return -ENOMEM;
    struct pollfd readable = {.fd = tty, .events = POLLIN};
    if (ppoll(&readable, 1, NULL, let_through) < 0)
        return -errno;
    ssize_t n = read(tty, line.data, line.length);
    if (n < 0)
        return -errno;
    size_t length = (size_t)n;
    if (length > 0 && line.data[length - 1] == '\n')
        length--;
    if (length >= PROMPT_LINE_MAX)
        return -EMSGSIZE;
    if (secret_reserve(ret_secret, length) < 0)
        return -ENOMEM;
    memcpy(ret_secret->data, line.data, length);
    return 0;
}

static int ask(int tty, const char *question, struct secret *ret_secret)
{
    struct sigaction actions_before[SIGNALS];
    struct termios terminal_before;
    sigset_t mask_before;
    guard_hold_signals(&mask_before);
    catch_signals(actions_before);
    int r = silence(tty, &terminal_before);
    if (r == 0) {
        r = write_all(tty, question);
        if (r == 0)
            r = read_line(tty, &mask_before, ret_secret);
        write_all(tty, "\n");
        tcsetattr(tty, TCSAFLUSH, &terminal_before);
    }
    let_signals_go(actions_before);
    guard_release_signals(&mask_before); /* ... and here a caught one ends the process */
    return r;
}

int prompt_secret(const char *question, struct secret *ret_secret)
{
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (tty < 0)
        return -ENXIO;
    struct secret answer = {0};
    int r = ask(tty, question, &answer);
    close(tty);
    if (r == 0)
        *ret_secret = answer;
    return r;
}

int prompt_pin(const char *token_label, struct secret *ret_pin)
{
    char name[SHOW_NAME_MAX], question[QUESTION_MAX];
    show_printable(token_label, strlen(token_label), name);
    snprintf(question, sizeof question, "PIN of token \"%.160s\": ", name);
    return prompt_secret(question, ret_pin) < 0 ? -1 : 0;
}

bool prompt_yes(const char *question)
{
    char answer[8] = "";
    fprintf(stderr, "%s", question);
    return fgets(answer, sizeof answer, stdin) && strcmp(answer, "yes\n") == 0;
}
