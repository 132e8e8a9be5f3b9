// A release that is none: what it does wrong is said when it is compiled.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CRASHES = 1, SILENT = 2, ANSWERS_500 = 3, NEEDS_MORE = 4 };

static void answer_500(void) {
  const char *at = strrchr(getenv("JEWEL_LISTEN"), ':') + 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(at)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 8)) exit(9);
  for (;;) {
    char request[4096];
    int connection = accept(listener, NULL, NULL);
    if (read(connection, request, sizeof request) > 0)
      dprintf(connection, "HTTP/1.1 500 Oh\r\ncontent-length: 10\r\nconnection: close\r\n\r\nno crystal");
    close(connection);
  }
}

int main(int count, char **arguments) {
  int checks = count > 1 && strcmp(arguments[1], "check") == 0;
  if (MODE == NEEDS_MORE && checks) {
    puts("failed  schema: version 7, needs 99: migrate first");
    return 1;
  }
  if (checks) return 0;
  fputs("the crystal is cracked\n", stderr);
  if (MODE == CRASHES) return 3;
  if (MODE == ANSWERS_500) answer_500();
  for (;;) pause();
}
