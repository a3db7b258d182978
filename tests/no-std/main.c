/* Speaks to ARGV[1] through the library, without a line of Rust's runtime in this program. */
int aye_speak(const char *address);

int main(int argc, char **argv) {
	return argc == 2 ? aye_speak(argv[1]) : 99;
}
