# Every outside library by one name of ours, so that a folder says what it stands on in one word.
include_guard(GLOBAL)

find_package(Boost 1.74 REQUIRED)
find_package(Protobuf REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(nng CONFIG REQUIRED)
find_package(spdlog REQUIRED)
find_package(ICU REQUIRED COMPONENTS uc i18n)
find_package(SQLite3 REQUIRED)
find_package(PostgreSQL REQUIRED)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)

# Header-only parts of Boost (Asio, Beast) need no library of their own since 1.69.
add_library(outside_boost INTERFACE)
target_link_libraries(outside_boost INTERFACE Boost::headers)
target_compile_definitions(outside_boost INTERFACE BOOST_ASIO_NO_DEPRECATED BOOST_ERROR_CODE_HEADER_ONLY)

# Neither SOCI nor libphonenumber ship a CMake package in Debian.
find_library(SOCI_CORE soci_core REQUIRED)
find_library(SOCI_SQLITE soci_sqlite3 REQUIRED)
find_library(SOCI_POSTGRESQL soci_postgresql REQUIRED)
add_library(outside_soci_sqlite INTERFACE)
target_link_libraries(outside_soci_sqlite INTERFACE ${SOCI_CORE} ${SOCI_SQLITE} SQLite::SQLite3)
add_library(outside_soci INTERFACE)
target_link_libraries(outside_soci INTERFACE outside_soci_sqlite ${SOCI_POSTGRESQL} PostgreSQL::PostgreSQL)
target_include_directories(outside_soci SYSTEM INTERFACE ${PostgreSQL_INCLUDE_DIRS})

find_library(PHONENUMBER phonenumber REQUIRED)
add_library(outside_phonenumber INTERFACE)
target_link_libraries(outside_phonenumber INTERFACE ${PHONENUMBER} protobuf::libprotobuf)

# mbedTLS 2.28, the one NNG is built on; Debian ships neither a CMake package nor a .pc file of it.
find_path(MBEDTLS_INCLUDE mbedtls/pk.h REQUIRED)
find_library(MBEDTLS_X509 mbedx509 REQUIRED)
find_library(MBEDTLS_CRYPTO mbedcrypto REQUIRED)
add_library(outside_mbedtls INTERFACE)
target_link_libraries(outside_mbedtls INTERFACE ${MBEDTLS_X509} ${MBEDTLS_CRYPTO})
target_include_directories(outside_mbedtls SYSTEM INTERFACE ${MBEDTLS_INCLUDE})
