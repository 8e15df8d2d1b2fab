package main

import "net"

// notify tells systemd about the state of a service of Type=notify, such as
// "READY=1"; where nobody listens it does nothing (sd_notify(3)). socket is the
// variable NOTIFY_SOCKET.
func notify(socket, state string) {
	if socket == "" {
		return
	}
	if socket[0] == '@' {
		socket = "\x00" + socket[1:] // Linux's abstract names
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return // systemd ends its waiting by itself
	}
	_, _ = conn.Write([]byte(state))
	_ = conn.Close()
}
