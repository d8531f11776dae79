"""What people write, read and checked: ``course.yml``, lecture files, the names, and the source notebook made of them. Runs everywhere."""
