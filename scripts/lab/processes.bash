# The lab's processes: each has a pid file and a log below ${lab_dir}, and is ended by its id, also by the next run after
# a kill -9 of this one.
# shellcheck shell=bash

exec {lab_lock_fd}</dev/null
# One lab per prefix at a time. The lock goes with this shell; what it starts does not hold it.
lab_lock() {
  mkdir -p "$(dirname "$lab_dir")"
  exec {lab_lock_fd}>"$lab_dir.lock"
  flock -n "$lab_lock_fd" || { echo "lab: another run holds $lab_dir.lock" >&2; return 1; }
}

# Start time of a process in ticks since boot: with its id it names that process and no later one. Nothing where it has
# ended, be it that nobody has reaped it yet.
lab_born() {
  local stat
  local -a fields
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
  read -r -a fields <<<"${stat##*) }"
  [ "${fields[0]}" = Z ] || echo "${fields[19]}"
}

# lab_start NAME COMMAND…: in the background, in its own session, so that Ctrl-C reaches only this script.
lab_start() {
  local name=$1 pid
  shift
  mkdir -p "$lab_dir/pid" "$lab_dir/log"
  setsid "$@" </dev/null >>"$lab_dir/log/$name" 2>&1 {lab_lock_fd}>&- &
  pid=$!
  disown "$pid"
  echo "$pid $(lab_born "$pid")" >"$lab_dir/pid/$name"
}

# Prints the id of NAME if it runs.
lab_pid() {
  local pid born
  read -r pid born 2>/dev/null <"$lab_dir/pid/$1" || return 1
  [ -n "$born" ] && [ "$(lab_born "$pid")" = "$born" ] || return 1
  echo "$pid"
}

lab_ended() { ! lab_pid "$1"; }

# lab_stop NAME [SIGNAL]: and waits for its end; after 5 s by force. Fine where it does not run.
lab_stop() {
  local name=$1 signal=${2:-TERM} pid
  if pid=$(lab_pid "$name"); then
    kill "-$signal" "$pid" 2>/dev/null || true
    kill -CONT "$pid" 2>/dev/null || true
    lab_until 5 lab_ended "$name" || { kill -KILL "$pid" 2>/dev/null || true; }
  fi
  rm -f "$lab_dir/pid/$name"
}

lab_stop_all() {
  local file
  for file in "$lab_dir"/pid/*; do
    [ -e "$file" ] && lab_stop "$(basename "$file")"
  done
  return 0
}

# lab_until SECONDS COMMAND…: repeats it every 50 ms until it succeeds.
lab_until() {
  local end=$((SECONDS + $1)) never
  shift
  exec {never}<> <(:)
  until "$@" >/dev/null 2>&1; do
    if [ "$SECONDS" -ge "$end" ]; then
      exec {never}>&-
      echo "lab: not in time: $*" >&2
      return 1
    fi
    read -r -t 0.05 -u "$never" || true
  done
  exec {never}>&-
}
