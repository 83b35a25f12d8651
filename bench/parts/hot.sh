# Two processes on two cores ask for one token all the time, within the
# server: does one hinder the other?  The no-op says what the machine itself
# takes from two, for they share memory, caches and a host.
measure "one token" --placement=pairs \
    "no-op, 1 process=hot: no-op/1" "no-op, 2 processes=hot: no-op/2" \
    "1 process=hot: tokenauth/1" "1 process again=hot: tokenauth/1" \
    "2 processes=hot: tokenauth/2"
