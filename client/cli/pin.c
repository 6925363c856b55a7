/* Reads a PIN from a terminal, without echo, or from a pipe; never from an argument. */
#include "config.h"
#include "client/cli/pin.h"

#include "client/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

void pin_wipe(struct pin *pin)
{
    explicit_bzero(pin, sizeof *pin);
}

/* Reads until a newline or the end, or until `pin` is full. Returns false with errno set. */
static bool read_bytes(int fd, bool one_line, struct pin *pin)
{
    while (pin->length < sizeof pin->text - 1) {
        ssize_t n = read(fd, pin->text + pin->length, sizeof pin->text - 1 - pin->length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        pin->length += (size_t)n;
        if (n == 0 || (one_line && pin->text[pin->length - 1] == '\n'))
            break;
    }
    if (pin->length > 0 && pin->text[pin->length - 1] == '\n')
        pin->length--;
    pin->text[pin->length] = '\0';
    return true;
}

/* Without echo, and without suspending: a stopped process would leave the shell without echo. */
static bool silence(int tty, struct termios *ret_before)
{
    struct termios quiet;
    if (tcgetattr(tty, &quiet) < 0)
        return false;
    *ret_before = quiet;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    quiet.c_lflag |= ICANON | ISIG;
    quiet.c_cc[VSUSP] = _POSIX_VDISABLE;
    return tcsetattr(tty, TCSAFLUSH, &quiet) == 0;
}

/* The signals are held; one that comes ends the waiting and stays pending. */
static bool read_line(int tty, int signals, struct pin *pin)
{
    struct pollfd fds[] = {{.fd = tty, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
    while (poll(fds, 2, -1) < 0 && errno == EINTR)
        ;
    if (!fds[1].revents)
        return read_bytes(tty, true, pin);
    errno = EINTR;
    return false;
}

static bool ask(int tty, int signals, const char *question, struct pin *pin)
{
    struct termios before;
    if (!silence(tty, &before))
        return false;
    dprintf(tty, "%s", question);
    bool read = read_line(tty, signals, pin);
    int number = errno;
    dprintf(tty, "\n");
    tcsetattr(tty, TCSAFLUSH, &before);
    errno = number;
    return read;
}

static bool read_terminal(const char *question, struct pin *pin)
{
    sigset_t held, before;
    sigemptyset(&held);
    sigaddset(&held, SIGHUP);
    sigaddset(&held, SIGINT);
    sigaddset(&held, SIGQUIT);
    sigaddset(&held, SIGTERM);
    sigprocmask(SIG_BLOCK, &held, &before);
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    int signals = signalfd(-1, &held, SFD_CLOEXEC);
    bool read = tty >= 0 && signals >= 0 && ask(tty, signals, question, pin);
    int number = errno;
    if (tty >= 0)
        close(tty);
    if (signals >= 0)
        close(signals);
    sigprocmask(SIG_SETMASK, &before, NULL); /* here a pending one ends the process */
    errno = number;
    return read;
}

int pin_read(const char *question, struct pin *ret_pin)
{
    bool terminal = isatty(STDIN_FILENO);
    *ret_pin = (struct pin){.length = 0};
    if (!(terminal ? read_terminal(question, ret_pin) : read_bytes(STDIN_FILENO, false, ret_pin)))
        return cli_fail(CLI_USAGE, "Input", "cannot read the PIN: %m");
    if (ret_pin->length == 0)
        return cli_fail(CLI_USAGE, "Input", "the PIN is empty");
    if (ret_pin->length > PIN_MAX)
        return cli_fail(CLI_USAGE, "Input", "the PIN is longer than %d bytes", PIN_MAX);
    return CLI_OK;
}
