/// NNG 1.5.2 loses what belongs to a connection that is closed while it is still shaking hands. Read by
/// LeakSanitizer, where it is built in.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libnng.so\n"; }
