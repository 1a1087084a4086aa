# Our few CMake words. Every folder lists its own sources; nothing is globbed and nothing is global.
include_guard(GLOBAL)

add_library(mudi_options INTERFACE)
target_include_directories(mudi_options INTERFACE ${PROJECT_SOURCE_DIR}/include)
target_compile_features(mudi_options INTERFACE cxx_std_20)
target_compile_options(mudi_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror ${MUDI_EXTRA_FLAGS})
if(MUDI_MUTANTS)
  target_compile_definitions(mudi_options INTERFACE MUDI_MUTANTS)
endif()
target_link_options(mudi_options INTERFACE ${MUDI_EXTRA_FLAGS})
find_package(Threads REQUIRED)
target_link_libraries(mudi_options INTERFACE Threads::Threads)

# mudi_library(name [HOT] SOURCES a.cpp … DEPENDS mudi_base … [PRIVATE_DEPENDS …])
# One static library per folder. Headers of libraries in PRIVATE_DEPENDS do not reach those who use this one. HOT: what the
# simulator runs all day, optimised in the dev preset too.
function(mudi_library name)
  cmake_parse_arguments(arg "HOT" "" "SOURCES;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  if(arg_HOT AND MUDI_HOT_FLAGS)
    # Of the source files: flags of a target come before those of the preset, and the last one counts.
    set_source_files_properties(${arg_SOURCES} PROPERTIES COMPILE_OPTIONS "${MUDI_HOT_FLAGS}")
  endif()
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_link_libraries(${name} PUBLIC mudi_options ${arg_DEPENDS} PRIVATE ${arg_PRIVATE_DEPENDS})
endfunction()

# mudi_program(name SOURCES … DEPENDS …): a binary in build/PRESET/bin.
function(mudi_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  target_link_libraries(${name} PRIVATE mudi_options ${arg_DEPENDS})
endfunction()

# mudi_test(name SOURCES … DEPENDS … [LABEL unit|sim|integration] [TIMEOUT seconds])
# One Catch2 program, one ctest entry; it lives in tests/, mirrors the folder it checks and may include that folder's private headers.
function(mudi_test name)
  cmake_parse_arguments(arg "" "LABEL;TIMEOUT" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${arg_SOURCES} $<TARGET_OBJECTS:mudi_catch_main>)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests ${PROJECT_SOURCE_DIR})
  target_compile_definitions(${name} PRIVATE MUDI_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE mudi_options ${arg_DEPENDS})
  add_test(NAME ${name} COMMAND ${name} --order rand --rng-seed time --durations no)
  if(NOT arg_LABEL)
    set(arg_LABEL unit)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT})
endfunction()

# mudi_embed_sql(target namespace folder): NNNN_name[.engine].sql files become
# `std::span<const mudi::db::Migration> namespace::migrations()` in the generated migrations.cpp.
function(mudi_embed_sql target namespace)
  cmake_parse_arguments(arg "" "" "FILES" ${ARGN})
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${target}_migrations.cpp)
  list(TRANSFORM arg_FILES PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  add_custom_command(OUTPUT ${out}
    COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/cmake/embed_sql.py ${namespace} ${out} ${arg_FILES}
    DEPENDS ${arg_FILES} ${PROJECT_SOURCE_DIR}/cmake/embed_sql.py VERBATIM)
  target_sources(${target} PRIVATE ${out})
endfunction()

# mudi_embed_files(target namespace name FILES …): files become
# `std::string_view namespace::name(std::string_view file_name)` (empty when unknown).
function(mudi_embed_files target namespace name)
  cmake_parse_arguments(arg "" "" "FILES" ${ARGN})
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${target}_${name}.cpp)
  list(TRANSFORM arg_FILES PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  add_custom_command(OUTPUT ${out}
    COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/cmake/embed_files.py ${namespace} ${name} ${out} ${arg_FILES}
    DEPENDS ${arg_FILES} ${PROJECT_SOURCE_DIR}/cmake/embed_files.py VERBATIM)
  target_sources(${target} PRIVATE ${out})
endfunction()
